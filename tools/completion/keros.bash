# bash completion of keros: verbs, the options of a verb, running processes for caps and trace, files otherwise.
_keros()
{
	local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} keros=${COMP_WORDS[0]} i

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "$("$keros" help --verbs 2>/dev/null)" -- "$word"))
		return
	fi
	# What comes after -- belongs to the guest.
	for ((i = 2; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" = -- ] && return
	done
	case $verb:$word in
	*:-*)
		COMPREPLY=($(compgen -W "$("$keros" help "$verb" 2>/dev/null | grep -oE -- '(^| |\[)--?[a-z][a-z-]*' | tr -d ' [' | sort -u)" -- "$word"))
		;;
	help:*)
		COMPREPLY=($(compgen -W "exit $("$keros" help --verbs 2>/dev/null)" -- "$word"))
		;;
	caps:* | trace:*)
		COMPREPLY=($(compgen -W "$("$keros" ps 2>/dev/null | awk 'NR > 1 { print $2 }' | sort -u)" -- "$word"))
		;;
	*)
		COMPREPLY=($(compgen -f -- "$word"))
		;;
	esac
}
complete -o filenames -F _keros keros ./keros
