"""Script interpreters: python3, perl, lua, node."""

from harness.programs import Command

PYTHON = r"""
import json, random, re
rng = random.Random(1)
def record(i):
    return {"id": i, "name": "name%d" % rng.randrange(10**6),
            "tags": ["t%d" % rng.randrange(100) for _ in range(5)],
            "score": rng.random()}
class Node:
    __slots__ = ("key", "left", "right")
    def __init__(self, key): self.key, self.left, self.right = key, None, None
def insert(root, key):
    while True:
        side = "left" if key < root.key else "right"
        kid = getattr(root, side)
        if kid is None:
            setattr(root, side, Node(key)); return
        root = kid
total = 0
for turn in range(3):
    records = [record(i) for i in range(30000)]
    text = json.dumps(records)
    back = json.loads(text)
    groups = {}
    for r in back:
        for t in r["tags"]: groups.setdefault(t, []).append(r["name"])
    words = re.findall(r"name[0-9]+", text)
    total += len(set(words)) + sum(len(g) for g in groups.values())
    root = Node(0.5)
    for _ in range(30000): insert(root, rng.random())
    total += len("".join(sorted(words)))
print(total)
"""

PERL = r"""
use strict; my ($seed, %count, @rows) = (1);
sub rnd { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; $seed % $_[0] }
for my $turn (1 .. 2) {
    for my $i (1 .. 25000) {
        my $word = join "", map { chr(97 + rnd(26)) } 1 .. 2 + rnd(10);
        $count{$word}++;
        push @rows, { id => $i, word => $word, list => [ map { rnd(100) }
            1 .. 4 ] };
    }
    my $text = join " ", map { $_->{word} } @rows;
    $text =~ s/([aeiou])([a-z])/$2$1/g;
    $count{$_}++ for split / /, $text;
    @rows = sort { $a->{word} cmp $b->{word} || $a->{id} <=> $b->{id} } @rows;
    splice @rows, 0, @rows / 2;
}
my $sum = 0; $sum += length($_) * $count{$_} for keys %count;
print "$sum ", scalar(keys %count), " $rows[7]{word}\n";
"""

LUA = r"""
local seed = 1
local function rnd(n)
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  return seed % n
end
local sum = 0
for turn = 1, 3 do
  local trees, words = {}, {}
  local function tree(d)
    if d == 0 then return {} end
    return { tree(d - 1), tree(d - 1) }
  end
  for i = 1, 12 do trees[i] = tree(13) end
  for i = 1, 100000 do
    words[#words + 1] = "w" .. rnd(50000) .. string.rep("x", rnd(20))
  end
  table.sort(words)
  local counts = {}
  for _, w in ipairs(words) do counts[w] = (counts[w] or 0) + 1 end
  for w, n in pairs(counts) do sum = sum + #w * n end
  sum = sum + #table.concat(words, ",")
end
print(sum)
"""

NODE = r"""
const zlib = require('zlib');
let seed = 1, sum = 0;
const rnd = n => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
for (let turn = 0; turn < 3; turn++) {
  const rows = [];
  for (let i = 0; i < 40000; i++)
    rows.push({ id: i, name: 'name' + rnd(1e6), tags: [rnd(9), rnd(9)] });
  const text = JSON.stringify(rows);
  const bufs = [];
  for (let i = 0; i < 20000; i++) bufs.push(Buffer.alloc(9000 + rnd(9000), i));
  for (const b of bufs) sum += b[5];
  for (let i = 0; i < 20; i++)
    sum += zlib.inflateSync(zlib.deflateSync(text.slice(i * 1000, i * 90000),
      { level: 1 })).length;
  sum += JSON.parse(text).length;
}
console.log(sum);
"""


def script(name, what, interpreter, source, **options):
    def write(directory):
        (directory / "script").write_text(source, encoding="ascii")
    return Command(name, what, [interpreter, "script"], setup=write, **options)


def programs():
    python = "python3: records, JSON, trees, regular expressions"
    return [
        script("python", python, "python3", PYTHON, packages=["python3"]),
        script("python-malloc", python + "; PYTHONMALLOC=malloc", "python3",
               PYTHON, packages=["python3"], env={"PYTHONMALLOC": "malloc"},
               quick=True),
        script("perl", "perl: hashes, lists of records, a substitution",
               "perl", PERL, packages=["perl"], quick=True),
        script("lua", "lua: trees, strings, tables", "lua5.4", LUA,
               packages=["lua5.4"]),
        script("node", "node: JSON, buffers, zlib", "node", NODE,
               packages=["nodejs"]),
    ]
