"""Tools that read and write: sqlite3, sort, xz, git."""

import random
import shutil

from harness.measure import run
from harness.programs import Command, base_environment

SQL = """
PRAGMA journal_mode = OFF;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INT, price REAL);
CREATE TABLE sale (item INT, day INT, amount INT, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
 WHERE i < 100000)
INSERT INTO item SELECT i, 'item ' || (i * 7919 % 100003), i % 97, i * 0.37
 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
 WHERE i < 200000)
INSERT INTO sale SELECT i * 31 % 100000 + 1, i % 365, i % 13,
 printf('%0*d', i % 60, i) FROM n;
CREATE INDEX by_name ON item (name);
CREATE INDEX by_item ON sale (item, day);
SELECT kind, count(*), round(sum(price * amount), 2), max(length(note))
 FROM item JOIN sale ON item = id GROUP BY kind ORDER BY kind;
SELECT day, group_concat(note, '|') FROM sale WHERE amount = 7
 GROUP BY day ORDER BY day LIMIT 20;
DELETE FROM sale WHERE item % 3 = 0;
UPDATE item SET name = upper(name) || kind WHERE id % 5 = 0;
SELECT count(*), max(name) FROM item WHERE name > 'item 5';
"""


def write_sql(directory):
    (directory / "script.sql").write_text(SQL, encoding="ascii")


def write_lines(directory):
    rng = random.Random(1)
    with open(directory / "lines", "w", encoding="ascii") as file:
        for _ in range(500000):
            file.write(f"{rng.getrandbits(64):x} {rng.randrange(1000)}\n")


def write_prose(directory):
    """4 MiB that compress like text."""
    rng = random.Random(1)
    words = ["".join(rng.choices("etaoinshrdlu", k=rng.randrange(2, 9)))
             for _ in range(3000)]
    text = " ".join(words[int(rng.paretovariate(0.7)) % 3000]
                    for _ in range(700000))
    (directory / "prose").write_text(text, encoding="ascii")


def make_repository(directory):
    """400 commits on a tree of 200 files, by git fast-import."""
    rng = random.Random(1)
    files = {f"dir{i % 10}/file{i}.txt":
             [f"line {k} of file {i}" for k in range(100)] for i in range(200)}
    stream = []
    for commit in range(400):
        stream += ["commit refs/heads/main", f"mark :{commit + 1}",
                   f"committer B <b@example.org> {1700000000 + commit} +0000",
                   "data 6", "change"]
        if commit:
            stream.append(f"from :{commit}")
        for name in files if not commit else rng.sample(sorted(files), 8):
            lines = files[name]
            for _ in range(5):
                lines[rng.randrange(len(lines))] = f"{rng.getrandbits(60):x}"
            lines.append(f"added by {commit}")
            data = "\n".join(lines) + "\n"
            stream += [f"M 644 inline {name}", f"data {len(data)}", data]
    env = base_environment(directory)
    git = ["git", "-C", str(directory / "origin.git")]
    run(["git", "init", "-q", "--bare", "-b", "main",
         str(directory / "origin.git")], 60, env=env)
    (directory / "stream").write_text("\n".join(stream) + "\n",
                                      encoding="ascii")
    with open(directory / "stream", "rb") as file:
        run([*git, "fast-import", "--quiet"], 60, env=env, stdin=file)
    fresh_copy(directory)


def fresh_copy(directory):
    """gc changes the repository: every run begins with the same one."""
    shutil.rmtree(directory / "work.git", ignore_errors=True)
    shutil.copytree(directory / "origin.git", directory / "work.git")


def programs():
    git = ["git", "-C", "work.git"]
    return [
        Command("sqlite3", "sqlite3: inserts, indices, joins in memory",
                ["sqlite3", ":memory:"], stdin="script.sql", setup=write_sql,
                packages=["sqlite3"], quick=True),
        Command("sort", "sort of 500,000 lines in two threads",
                ["sort", "--parallel=2", "lines"], setup=write_lines),
        Command("xz", "xz -3 of 4 MiB", ["xz", "-3", "-c", "-k", "prose"],
                setup=write_prose, packages=["xz-utils"]),
        Command("git-log", "git log -p of 400 commits",
                [*git, "log", "-p", "--stat", "--no-color"],
                setup=make_repository, packages=["git"]),
        Command("git-gc", "git gc --aggressive of the same",
                [*git, "gc", "--quiet", "--aggressive", "--prune=now"],
                setup=make_repository, before=fresh_copy, packages=["git"],
                digest=[*git, "rev-list", "--objects", "--all"]),
    ]
