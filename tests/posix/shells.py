"""Shell programs: busybox ash, bash and dash, with what scripts lean on."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scenario import compare, licences, words  # noqa: E402


def test_here_documents():
    """Here-documents expand or not, lose tabs or not, and nest in functions and pipelines."""
    compare("""
name=Keros; count=3
cat <<END
hello $name, $((count * 2)), $(echo from a command)
a line with \\$name and `echo backquotes`
END
cat <<'END'
nothing $expands `here` $((1 + 1))
END
	cat <<-END
	tabs are gone from $name
		all of them
	END
show() {
	sed 's/^/> /' <<-END
		$1
		$2
	END
}
show one "two words"
while read -r line; do echo "[$line]"; done <<END
first
  second  with   spaces
third\\
END
cat <<A; cat <<B
first document
A
second document
B
tr a-z A-Z <<END | rev
pipeline
END
read -r a b c <<END
x y z w
END
echo "$c/$b/$a"
""", status=0, expect="hello Keros, 6, from a command")


def test_traps_and_signals():
    """trap runs on signals and at exit, is reset in subshells, and a killed child shows its signal."""
    compare("""
trap 'echo got USR1' USR1
trap 'echo got TERM; last=1' TERM
trap 'echo leaving with $?' EXIT
kill -USR1 $$; kill -TERM $$; kill -USR1 $$
echo "last=$last"
(kill -TERM $(exec sh -c 'echo $PPID'); echo not reached); echo "subshell $?"
sh -c 'kill -9 $$'; echo "killed $?"
sh -c 'kill -SEGV $$'; echo "segv $?"
sh -c 'trap "" PIPE; trap; kill -PIPE $$; echo alive'
sh -c 'trap "echo bye" EXIT; exit 4'; echo "exit $?"
sh -c 'trap "echo int; exit 5" INT; kill -INT $$; echo not here'; echo "int $?"
trap - USR1
sh -c 'kill -USR1 $$' 2>/dev/null; echo "default $?"
kill -0 $$ && echo present
kill -0 999999 2>/dev/null || echo absent
kill -l 15
exit 9
""", status=9, expect="leaving with 9")


def test_background_jobs():
    """Background jobs run beside the shell, are waited for by number, and end by signal."""
    compare("""
mkdir out
(sleep 0.2; echo slow > out/slow) & slow=$!
(echo quick > out/quick) & quick=$!
wait $quick; echo "quick $?"
wait $slow; echo "slow $?"
# Whether the shell tells of a killed job depends on who is quicker.
sleep 60 & kill $!; wait $! 2>/dev/null; echo "killed $?"
(exit 7) & wait $!; echo "seven $?"
sh -c 'exit 3' & sh -c 'exit 4' & wait; echo "all $?"
for i in 1 2 3 4 5; do (echo $i > out/job.$i) & done; wait
cat out/job.*
wait 999999 2>/dev/null; echo "unknown $?"
sleep 60 & a=$!; kill -STOP $a; kill -CONT $a; kill -KILL $a; wait $a 2>/dev/null; echo "stopped and killed $?"
trap 'woken=yes' USR1; ( while sleep 0.2; do kill -USR1 $$; done ) & waker=$!; wait; echo "wait was cut short: $? $woken"
kill -KILL $waker; wait $waker 2>/dev/null; echo "and the waker ended: $?"
timeout 1 sleep 30; echo "timeout $?"
""", status=0, expect="timeout 143")


def test_functions_and_options():
    """Functions with locals and recursion, getopts, case, parameter expansion, eval and set."""
    compare("""
fact() { local n=$1; if [ "$n" -le 1 ]; then echo 1; else echo $((n * $(fact $((n - 1))))); fi; }
fact 12
hanoi() { [ $1 -eq 0 ] && return; hanoi $(($1 - 1)) $2 $4 $3; moves=$((moves + 1)); hanoi $(($1 - 1)) $4 $3 $2; }
moves=0; hanoi 6 a b c; echo $moves
parse() {
	OPTIND=1
	while getopts 'ab:c' option "$@"; do
		case $option in
		a|c) echo "flag $option";;
		b) echo "value $OPTARG";;
		\\?) echo "unknown";;
		esac
	done
	shift $((OPTIND - 1)); echo "rest: $*"
}
parse -a -b value -c one two; parse -z last 2>/dev/null
path=/usr/local/lib/libkeros.tar.gz
echo ${path##*/} ${path%%.*} ${path%.*} ${path#/*/} ${#path} ${unset-default} ${path:+set} ${path:4:6}
set -- one "two three" four; echo $# "$2"; for word in "$@"; do echo "<$word>"; done; for word in $*; do echo "($word)"; done
IFS=:; set -- $(echo a:b:c); echo $# $3; unset IFS
i=0; until [ $i -ge 3 ]; do i=$((i + 1)); [ $i -eq 2 ] && continue; echo until $i; done
eval 'variable_'$i'=42'; eval echo \\$variable_$i
(set -e; false; echo not reached); echo "set -e $?"
(set -u; echo $not_set) 2>/dev/null; echo "set -u $?"
x=$(printf 'a\\n\\n\\n'); echo "[$x]"; echo $((0x1f + 010 + 5 % 3 << 2)) $((3 > 2 && 1 || 0))
[ abc \\< abd ] && echo less; [ -z "" -a 1 -lt 2 ] && echo both; test ! -e nowhere && echo nowhere
case keros in k?r*) echo matched;; *) echo not;; esac
{ echo out; echo err >&2; } 2>&1 | sort; echo "a b" | { read x y; echo "$y $x"; }
alias say=echo; type fact | head -n 1; command -v echo; unset -f fact; fact 2>/dev/null || echo "gone"
printf '%s\\n' *; echo "$(cat script | wc -l)"; exec 5>fd; echo five >&5; exec 5>&-; cat fd
readonly fixed=1; (fixed=2) 2>/dev/null || echo "read only"
""", status=0, expect="479001600")


def test_interpreter_lines():
    """#! starts the interpreter it names, with its one argument, and a bad one is an error."""
    compare("""
mkdir out
printf '#!%s/bin/sh\\necho "shell script $0 $1"\\n' "$PWD" > one; chmod +x one; ./one argument
printf '#!%s/bin/awk -f\\nBEGIN { print "awk script", ARGV[1] }\\n' "$PWD" > two; chmod +x two; ./two argument
printf '#! %s/bin/bash -e\\nfalse\\necho not reached\\n' "$PWD" > three; chmod +x three; ./three; echo "three $?"
printf '#!/nowhere/interpreter\\n' > four; chmod +x four; ./four 2>/dev/null; echo "four $?"
printf 'echo no line at all: $#\\n' > five; chmod +x five; ./five a b
chmod -x one; ./one 2>/dev/null; echo "not executable $?"
./nothing 2>/dev/null; echo "not there $?"
: > empty; chmod +x empty; ./empty; echo "empty $?"
printf '#!%s/one\\n' "$PWD" > loop; chmod +x loop one; ./loop 2>&1 | sed "s,$PWD,.,g"
PATH=$PWD:$PATH one from the path | sed "s,$PWD,.,g"
""", binaries=["bash"], status=0, expect="awk script argument")


def test_pipelines_and_statuses():
    """Long pipelines, SIGPIPE to the writer, status of the last, and descriptors moved about."""
    compare("""
yes | head -n 5
yes keros | tr a-z A-Z | sed 's/^/1 /' | awk '{ print NR $0 }' | head -n 3
seq 1 100000 | sort -rn | sort -n | tail -n 1
seq 1 50 | while read n; do [ $((n % 10)) -eq 0 ] && echo $n; done | paste -s -d+ | bc
true | false; echo $?; false | true; echo $?; ! true; echo $?
(sleep 0.2; echo late) | true; echo "nobody reads"
cat < /dev/null | wc -c; dd if=/dev/zero bs=1k count=300 2>/dev/null | wc -c
head -c 1000000 /dev/zero | od | head -n 3
exec 3<words; read -r a <&3; read -r b <&3; exec 3<&-; echo $a $b
echo to-stderr 2>&1 >/dev/null >&2 | cat; { echo a; echo b >&2; } 2>&1 >/dev/null | tr ab xy
mkfifo pipe; cat pipe & echo through > pipe; wait
echo nested $(echo one $(echo two $(echo three)))
for f in a b c; do echo $f; done | (while read x; do echo "<$x>"; done; echo end)
sh -c 'exit 300'; echo $?; sh -c 'echo $0 $@' zero one two
nohup echo hup 2>/dev/null; env -i A=1 B=2 env | sort; env A=3 sh -c 'echo $A'
""", files=words(50), status=0, expect="<c>\nend")


def test_exit_status_of_a_killed_command():
    """A command that dies of a signal ends the run with 128 and the signal's number."""
    compare("kill -9 $$", status=137)


def test_bash_arrays():
    """bash: indexed and associative arrays, slices, mapfile, and pattern substitution."""
    compare("""
declare -a list=(zero one two [5]=five); echo "${#list[@]} ${!list[*]} ${list[@]:1:2} ${list[-1]}"
list+=(six); unset 'list[0]'; printf '<%s>' "${list[@]}"; echo
declare -A age=([ann]=31 [bob]=27); age[cyd]=45
for name in $(printf '%s\\n' "${!age[@]}" | sort); do echo "$name is ${age[$name]}"; done
[[ -v age[bob] ]] && echo bob is there; unset 'age[bob]'; echo "${#age[@]}"
mapfile -t lines < words; echo "${#lines[@]} ${lines[10]} ${lines[@]: -1}"
sum=0; for ((i = 0; i < 100; i++)); do ((sum += i * i)); done; echo $sum
text="the quick brown fox"; echo "${text/quick/slow} ${text//o/0} ${text^^} ${text^} ${text%fox}"
words=($text); for i in "${!words[@]}"; do echo "$i:${words[$i]}:${#words[$i]}"; done
if [[ $text =~ (q[a-z]+)\\ ([a-z]+) ]]; then echo "${BASH_REMATCH[1]}-${BASH_REMATCH[2]}"; fi
printf -v padded '%08.3f' 3.14159; echo "$padded"; printf '%q\\n' "it's a \\"test\\""
declare -i number=5; number+=3; echo $number; declare -r constant=1; (constant=2) 2>/dev/null || echo constant
declare -n ref=text; ref=changed; echo "$text"; echo {a..e}{1..3} {01..10..3}
sieve() { local -a p; local i j; for ((i = 2; i <= $1; i++)); do p[i]=1; done
	for ((i = 2; i * i <= $1; i++)); do if ((p[i])); then for ((j = i * i; j <= $1; j += i)); do p[j]=0; done; fi; done
	for ((i = 2; i <= $1; i++)); do ((p[i])) && printf '%d ' $i; done; echo; }
sieve 500
select_sort() { local -a a=("$@"); local i j t; for ((i = 0; i < ${#a[@]}; i++)); do for ((j = i + 1; j < ${#a[@]}; j++)); do
	if [[ ${a[j]} < ${a[i]} ]]; then t=${a[i]}; a[i]=${a[j]}; a[j]=$t; fi; done; done; echo "${a[*]}"; }
select_sort pear fig apple date cherry
""", shell="bash", files=words(100), status=0, expect="pear")


def test_bash_pipelines():
    """bash: PIPESTATUS, pipefail, process substitution, coprocesses, wait -n and traps on ERR."""
    compare("""
false | true | (exit 3); echo "${PIPESTATUS[@]}"
set -o pipefail; false | true; echo $?; set +o pipefail
diff <(sort words) <(sort -r words | sort) && echo same
paste <(seq 1 3) <(seq 4 6)
seq 1 5 > >(tr '\\n' ' ' > turned); until [[ -s turned ]]; do sleep 0.05; done; sleep 0.1; cat turned; echo
coproc cat; echo to the coprocess >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
eval "exec ${COPROC[1]}>&-"; wait $COPROC_PID; echo "coprocess $?"
(sleep 0.1; exit 3) & (sleep 30) & other=$!; wait -n; echo "first $?"; kill $other; wait $other 2>/dev/null; echo $?
trap 'echo error at $LINENO' ERR; false; true; trap - ERR
f() { trap 'echo return' RETURN; echo in f; }; f
x=$(< words); echo ${#x}; read -r -d '' doc <<'END'
two
lines
END
echo "$doc"; cat <<< "here $((1 + 1)) string"
exec {fd}> opened; echo $((fd >= 10)) >&$fd; exec {fd}>&-; cat opened
shopt -s nullglob extglob
echo *.none; touch a.c b.h c.o; echo !(*.o|words|script|wrapper|opened|bin)
echo $SHLVL $BASH_SUBSHELL; (echo $BASH_SUBSHELL)
command -v sort | sed "s,$PWD,.,"; hash -r; type -t cd sort f if; printf '%(%Y-%m-%d)T\\n' 0
ulimit -c 0; ulimit -c; umask; umask -S; times > /dev/null; echo ${BASH_VERSINFO[0]}
""", shell="bash", files=words(200), status=0, expect="here 2 string")


def test_bash_text_processing():
    """bash by itself counts words with read loops, regular expressions and associative arrays."""
    compare("""
declare -A count; total=0
while IFS= read -r line; do
	for word in $line; do
		word=${word,,}; word=${word//[^a-z]/}
		[[ -n $word ]] && count[$word]=$((${count[$word]:-0} + 1)) && total=$((total + 1))
	done
done < licences/BSD
echo "$total ${#count[@]}"
for word in "${!count[@]}"; do ((count[$word] > 3)) && echo "${count[$word]} $word"; done | sort -k1,1nr -k2
mkdir out; n=0; while read -r line; do printf '%4d %s\\n' $((++n)) "$line"; done < licences/BSD > out/numbered
""", shell="bash", files=licences(), status=0, expect=" the\n")


def test_dash_programs():
    """dash, built from its source package, runs a prime sieve, a calculator, traps and jobs."""
    compare("""
primes() { n=2; while [ $n -le $1 ]; do d=2; prime=1; while [ $((d * d)) -le $n ]; do
	[ $((n % d)) -eq 0 ] && prime=0 && break; d=$((d + 1)); done; [ $prime -eq 1 ] && printf '%d ' $n; n=$((n + 1)); done; echo; }
primes 300
push() { stack="$1 $stack"; }
pop() { top=${stack%% *}; stack=${stack#* }; }
calc() { stack=; for token; do case $token in [-+x/]) pop; b=$top; pop; a=$top; case $token in x) push $((a * b));; *) push $((a $token b));; esac;;
	*) push $token;; esac; done; pop; echo $top; }
calc 3 4 + 5 x 6 2 / -
trap 'echo exit $?' EXIT; trap 'echo usr1' USR1; kill -USR1 $$
echo one > file; cat < file >> file2; cat file2 2>&1; wc -l < words; sort words | tail -n 1
(exit 5) & wait $!; echo $?; sleep 30 & kill $!; wait $! 2>/dev/null; echo $?
while IFS=: read -r user rest; do echo "$user -> $rest"; done <<END
root:x:0
daemon:y:1:2
END
set -- a 'b c' d; shift; echo "$1" $#; eval "set -- $*"; echo $#
printf '%s %5d %-5s| %o %X\\n' text 42 ab 8 255; echo 'back\\tslash'; test -t 0 || echo no terminal
x=5; x=$((x += 3)); echo $x ${x:-no} ${y:-no} ${#x}; unset x; echo ${x-unset}
cat nowhere 2>/dev/null || echo "cat failed"; cd /nowhere 2>/dev/null || echo "cd failed"; exit 6
""", shell="dash", files=words(30), status=6, expect="exit 6")
