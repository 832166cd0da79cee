# shellcheck shell=bash
# git: a history of some hundred commits is imported, cloned, packed, checked,
# rebased and shown.

needs git

git() {
	preloaded git -c protocol.file.allow=always -c gc.auto=0 \
		-c user.name=Test -c user.email=test@example.invalid \
		-c init.defaultBranch=main -c commit.gpgSign=false "$@"
}
# Dates are part of a commit's name.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'

history() {
	awk 'BEGIN {
		x = 1
		for (c = 1; c <= 400; c++) {
			text = ""
			for (l = 0; l < 60 + c % 100; l++) {
				x = (x * 16807) % 2147483647
				text = text "line " l " of " c % 40 " " x % 97 "\n"
			}
			print "commit refs/heads/main"
			print "mark :" c
			printf "committer Test <test@example.invalid> %d +0000\n",
				1600000000 + c * 60
			message = "Change " c "\n"
			printf "data %d\n%s\n", length(message), message
			if (c > 1)
				print "from :" c - 1
			printf "M 100644 inline dir%d/file%d\n", c % 8, c % 40
			printf "data %d\n%s\n", length(text), text
		}
		print "done"
	}'
}

git init -q repo
history | git -C repo fast-import --done --quiet
git -C repo checkout -q -f main
git -C repo log --stat --format='%H %an %s' >"$OUT/log"
git -C repo fsck --full --strict >"$OUT/fsck" 2>&1
git clone -q "file://$PWD/repo" clone
git -C clone rev-parse HEAD >"$OUT/head"
git -C clone log -p --format=%H%n%B >"$OUT/patches"
git -C clone blame dir0/file0 >"$OUT/blame"
git -C clone grep -n -E 'line (1|2)0 of .* (7|8)$' >"$OUT/grep"

git -C clone checkout -q -b topic HEAD~50
for i in 1 2 3 4 5; do
	echo "topic $i" >>clone/topic
	git -C clone add topic
	git -C clone commit -q -m "Topic $i"
done
git -C clone rebase -q main
git -C clone merge -q --no-ff -m Merge HEAD~2
git -C clone gc -q --aggressive --prune=now
git -C clone fsck --full --strict >>"$OUT/fsck" 2>&1
git -C clone rev-list --objects --all | sort | sha256sum >"$OUT/objects"
git -C clone archive --format=tar HEAD | sha256sum >"$OUT/archive"
git -C clone bundle create -q ../bundle --all
git clone -q -b topic bundle from-bundle
git -C from-bundle status --short --branch >"$OUT/status"
git -C from-bundle diff --stat HEAD~100 >"$OUT/diff"
