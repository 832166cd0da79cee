# bash completion for pagoda(1).                           -*- shell-script -*-

_pagoda_files() {
	pagoda stat --help 2>/dev/null |
		sed -n '/^Files/,$s/^  \([a-z]*\) .*/\1/p'
}

_pagoda_pids() {
	pagoda stat --all 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'
}

_pagoda_options() {
	pagoda options 2>/dev/null | sed -n 's/^\([a-z_]*=\).*/\1/p'
}

# Of the list of processes, and of the caches of one.
_pagoda_columns() {
	echo pid rss heap kept waste% fault/s refil/s cpu% command \
		active objs use% size slabs actslb ob/s pg/s cache name
}

# The words that can stand at the cursor behind "pagoda stat".
_pagoda_stat() {
	local word
	if [[ $cur == -* ]]; then
		echo --json --openmetrics --core --all --help
		return
	fi
	for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
		[[ $word =~ ^[0-9]+$ || $word == --core || $word == -c ]] && {
			_pagoda_files
			return
		}
	done
	_pagoda_pids
}

_pagoda() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words=
	if ((COMP_CWORD == 1)); then
		words='stat top whatis run record report diff map mount export options doctor --help --version'
	else
		case ${COMP_WORDS[1]} in
		stat)
			case $prev in
			-c | --core) compopt -o default ;;
			*) words=$(_pagoda_stat) ;;
			esac
			;;
		top)
			case $prev in
			-v | --view)
				words='caches zones areas events fragmentation all'
				;;
			-d | --delay | -n | --count) ;;
			-s | --sort) words=$(_pagoda_columns) ;;
			*)
				words=$(_pagoda_pids)
				[[ $cur == -* ]] && words='--delay --count \
					--batch --sort --view --help'
				;;
			esac
			;;
		whatis)
			((COMP_CWORD == 2)) && words=$(_pagoda_pids)
			[[ $cur == -* ]] && words='--json --core --help'
			case $prev in
			-c | --core) compopt -o default ;;
			esac
			;;
		run)
			case $prev in
			-o | --option)
				compopt -o nospace
				words=$(_pagoda_options)
				;;
			-l | --lib | -r | --record) compopt -o default ;;
			-i | --interval) ;;
			*)
				if [[ $cur == -* ]]; then
					words='--option --lib --stats --record --interval --help'
				else
					mapfile -t COMPREPLY < \
						<(compgen -c -- "$cur")
					return
				fi
				;;
			esac
			;;
		record | map)
			case $prev in
			-o | --output | -c | --core) compopt -o default ;;
			-i | --interval | -d | --duration | -n | --count) ;;
			*)
				words=$(_pagoda_pids)
				[[ $cur == -* ]] && words='--output --help'
				[[ $cur == -* && ${COMP_WORDS[1]} == map ]] &&
					words+=' --core'
				[[ $cur == -* && ${COMP_WORDS[1]} == record ]] &&
					words+=' --interval --duration --count'
				;;
			esac
			;;
		report)
			words='--output --help'
			[[ $cur == -* ]] || compopt -o default
			;;
		diff)
			words='--json --help'
			[[ $cur == -* ]] || compopt -o default
			;;
		mount)
			case $prev in
			-o | --option) words='allow_other allow_root' ;;
			*)
				if [[ $cur == -* ]]; then
					words='--foreground --option --help'
				else
					compopt -o dirnames
				fi
				;;
			esac
			;;
		export)
			case $prev in
			-p | --pid) words=$(_pagoda_pids) ;;
			-l | --listen) words=127.0.0.1:7246 ;;
			*) words='--listen --pid --help' ;;
			esac
			;;
		options) words=--help ;;
		doctor) words='--json --help' ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _pagoda pagoda
