/*
 * keros.c - the command: the table of its verbs, from which help, the man page and the completions come.
 *
 * Interface
 *	keros VERB [OPTION...] [--] [COMMAND...]
 * Exit status: `keros help exit`.  Every complaint says what is wrong and what to type instead.
 */
#include <string.h>
#include "lib/doctor.h"
#include "lib/help.h"
#include "lib/options.h"
#include "lib/util.h"
#include "verbs/verbs.h"

static const struct verb verbs[];

static int act_doctor(int argc, char **argv)
{
	(void)argv;
	if (argc)
		misuse("doctor takes no arguments");
	return doctor_run(options_root());
}

static const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	misuse("no verb '%s'; to run a command: keros run -- %s. See: keros help", name, name);
}

static int act_help(int argc, char **argv)
{
	if (argc == 0) {
		help_list(verbs);
		return 0;
	}
	if (argc > 1)
		misuse("help takes one verb, not '%s' as well", argv[1]);
	if (strcmp(argv[0], "--man") == 0)
		help_man(verbs);
	else if (strcmp(argv[0], "--verbs") == 0)
		help_names(verbs);
	else if (strcmp(argv[0], "exit") == 0)
		help_exit();
	else
		help_verb(verb_find(argv[0]));
	return 0;
}

static const struct verb verbs[] = {
	{ "run", act_run, "run [OPTION...] -- COMMAND [ARGUMENT...]", "boot, run one command in a fresh sandbox, and end",
	  "Runs COMMAND, an unmodified Linux program of the sandbox's file tree, with the standard streams passed\n"
	  "through, and ends with its status (128+signal if it was killed; 125 if the machine failed). The sandbox\n"
	  "holds what --caps lists and nothing else; its files are gone afterwards. On a terminal Ctrl-A X leaves.",
	  .options = options_text,
	  .examples =
	  "  keros run -- uname -a\n"
	  "  echo hello | keros run -- tr a-z A-Z      # standard streams pass through\n"
	  "  keros run --tree ./site -- busybox find / # with these files laid over the base tree\n"
	  "  keros run --bank 4096 -- sh -c 'x=x; while :; do x=$x$x; done'; echo $?   # 137: its storage was used up\n" },
	{ "shell", act_shell, "shell [OPTION...] [-- COMMAND...]", "an interactive shell in a fresh sandbox (make run)",
	  "As run, with a login shell as the command. Ctrl-A X leaves; Ctrl-A L switches to a Lua prompt beside it and back;\n"
	  "Ctrl-A Ctrl-A types one Ctrl-A.",
	  .options = options_text,
	  .examples =
	  "  keros shell                               # Ctrl-A X leaves\n"
	  "  keros shell --disk my.disk                # the same system again, where it was\n" },
	{ "image", act_image, "image [OPTION...] FILE [-- COMMAND...]", "write a raw disk that boots by GRUB, BIOS and UEFI",
	  "Writes a disk for a real or virtual machine; its console is the first serial line at 115200 baud.\n"
	  "Try it: qemu-system-x86_64 -cpu max -m 256M -nographic -drive format=raw,file=FILE",
	  .options = options_text,
	  .examples =
	  "  keros image keros.img\n"
	  "  qemu-system-x86_64 -cpu max -m 256M -nographic -drive format=raw,file=keros.img\n" },
	{ "keykos", act_keykos, "keykos [OPTION...] [--script FILE.cmd] [PROG.ck|PROG.kk|FILE.cmd ...]",
	  "KeyKOS: its objects, a command interpreter, your programs",
	  "Boots into the command interpreter of KeyKOS's published command language (doc/keykos/command.md), which reads\n"
	  "standard input or the script. Each program stands in its directory as the segment PROG.s, from which\n"
	  "cfact makes a factory: cfact ctrf counter.s 0x10C0 / kc ctrf 0 (,sb,m,sb) (,ctr) / kc ctr 0 () ()\n"
	  "A FILE.cmd stands there under its name: cmdfile FILE.cmd runs it. The status is that of exit, or 1 if a line\n"
	  "could not be understood. Ctrl-C ends the machine, with status 130.",
	  .options = keykos_options_text,
	  .examples =
	  "  keros keykos                              # type: kt sb\n"
	  "  keros keykos --script test.cmd prog.ck    # compiles prog.ck, installs it as prog.s, runs the script\n" },
	{ "lua", act_lua, "lua [OPTION...] [--grant NAME=CAP ...] [-e CODE] [SCRIPT [ARGUMENT...]]",
	  "run a Lua script, or talk to Lua, in a confined domain",
	  "Runs CODE, then SCRIPT (a file of the host), in a Lua 5.4 of its own that holds its bank, its schedule, its\n"
	  "streams, the clock, the files of --tree (read-only), and what --grant hands it by name; without either, a\n"
	  "prompt. Its status is passed through: 1 after an error, which goes to standard error. With --disk it goes on\n"
	  "after a loss of power where it was. doc/lua/README.md",
	  .options = options_text,
	  .examples =
	  "  keros lua -e 'print(2^10)'\n"
	  "  keros lua script.lua a b                  # arg[1], arg[2]\n"
	  "  keros lua                                 # a prompt\n" },
	{ "store", act_store, "store [--json] FILE", "check the image of a persistent system, offline",
	  "Prints generation, objects by kind, free space and every violated condition (doc/store.md). Status 0: sound;\n"
	  "1: a condition is violated; 2: there is no store to check.",
	  .examples =
	  "  keros store my.disk\n"
	  "  keros store --json my.disk\n" },
	{ "ckpt", act_ckpt, "ckpt [--json] [FILE|PID]", "save a running system now, and say what that cost",
	  "Asks a machine that runs with --disk for a checkpoint, waits until it is on the disk, and prints how long\n"
	  "everything stood still. FILE is its image, PID its process; neither is needed if only one machine runs.",
	  .examples =
	  "  keros ckpt                                # the only machine that runs\n"
	  "  keros ckpt my.disk                        # the one that lives in this image\n" },
	{ "graph", act_graph, "graph [--live [--json]] [--machine FILE|PID] [-o FILE.svg|.png|.pdf|.dot] [MANIFEST]",
	  "draw who holds what, at the first boot or now",
	  "Draws apps/system.lua, or another system manifest (doc/manifest.md): domains as boxes, constructors as double boxes,\n"
	  "capabilities as arrows from holder to held, with the register; red reaches hardware. Without -o: as dot's text.\n"
	  "--live draws a machine that runs: processes, and red what leads out of a confined program.",
	  .examples =
	  "  keros graph -o system.svg                 # the first boot\n"
	  "  keros graph --live -o now.svg             # a machine that runs\n" },
	{ "ps", act_ps, "ps [--json] [--machine FILE|PID]", "the processes of a machine that runs",
	  "Lists every process by number and name, and what it waits for. With several machines --machine names one, by its\n"
	  "image file or the process number of its command.",
	  .examples =
	  "  keros ps\n"
	  "  keros ps --json --machine my.disk\n" },
	{ "caps", act_caps, "caps [--json] [--machine FILE|PID] [PROCESS]", "who holds what, and who gave it",
	  "Says in plain words what each process, or one of them, holds: where, what it allows, and which process put it there.\n"
	  "PROCESS is a number of `keros ps`, or a name that only one has.",
	  .examples =
	  "  keros caps posix-server                   # what the sandbox's server holds, and from whom\n"
	  "  keros caps --json >all.jsonl              # everybody\n" },
	{ "trace", act_trace, "trace [--json] [--machine FILE|PID] [--count N] PROCESS", "what a process invokes, as it does",
	  "Prints each message that the process sends, gets and is answered with, decoded by the interfaces in idl/, until\n"
	  "interrupted or N have come. A recorded process is slower; the others are not.",
	  .examples =
	  "  keros trace sh                            # system calls, as strace would show them\n"
	  "  keros trace --count 100 bank              # what the space bank is asked\n" },
	{ "revoke", act_revoke, "revoke [--json] [--machine FILE|PID] [GRANT]", "take back what a running sandbox was given",
	  "Without GRANT: lists what can be taken back. GRANT is the place of a share in the sandbox, or the host's path of it, or\n"
	  "stdin, stdout, stderr. It works at once: the sandbox's calls on the share, open files included, fail with EIO; input\n"
	  "is at its end, output answers EPIPE. What was read before stays read. For good: a system with an\n"
	  "image gets the grant again only from its next command line.",
	  .examples =
	  "  keros revoke\n"
	  "  keros revoke /src\n"
	  "  keros revoke --machine my.disk stdout\n" },
	{ "log", act_log, "log [--json] [--machine FILE|PID]", "the newest of a running kernel's log", "Prints what is kept: 32 KiB.",
	  .examples =
	  "  keros log | tail\n" },
	{ "stop", act_stop, "stop [--json] [--machine FILE|PID]", "save a running system, if it has where, and switch it off",
	  "The command that runs the machine ends with 143. A system with an image (--disk) goes on from here at its next start.",
	  .examples =
	  "  keros stop --machine my.disk\n" },
	{ "assess", act_assess, "assess [OPTION...] -o DIR -- COMMAND [ARGUMENT...]",
	  "find out what authority a program uses, and what it needs",
	  "Runs COMMAND over copies of what it is shown, records all it uses, and writes into DIR a least-authority manifest, a\n"
	  "report (HTML that opens offline, and the same as JSON) and the record. Host files are never changed. doc/assess.md is\n"
	  "a tutorial. Names that hold secrets (tools/assess/secrets.txt) are withheld, and asking for them is recorded.",
	  .options =
	  "  -o DIR             where to write (default assess)\n"
	  "  --with PROGRAM     a program of this machine with its libraries, at their paths\n"
	  "  --ro HOST[:GUEST]  show it a file or folder of the host (a copy: nothing is written back)\n"
	  "  --tree DIR         show it these files over the base tree; may be given again\n"
	  "  --write            what it changes below --ro is changed on the host\n"
	  "  --env N=V          set a variable; --env N copies it from here\n"
	  "  --cwd PATH         where the command starts\n"
	  "  --mem SIZE         memory of the machine\n"
	  "  --verify           run it again under the manifest with nothing more, compare, and take away each grant in turn\n"
	  "  --runs N           run it N times: what do further runs find?\n"
	  "  --merge FILE       unite with the manifest of another run\n",
	  .examples =
	  "  keros assess -o /tmp/a --verify -- sort /etc/passwd\n"
	  "  keros assess -o /tmp/b --with sqlite3 --ro ./data:/data --verify -- sqlite3 /data/my.db .tables\n" },
	{ "diff", act_diff, "diff A.toml B.toml", "what one run manifest grants and another does not",
	  "Prints lines '- ...' and '+ ...' for what only A or only B says; evidence is no difference. Status 0: they say the\n"
	  "same; 1: they differ. Try: keros diff doc/assess/gzip/manifest.toml my.toml",
	  .examples =
	  "  keros diff old.toml new.toml && echo 'the same authority'\n" },
	{ "merge", act_merge, "merge A.toml B.toml...", "unite run manifests of one program",
	  "Prints a manifest that grants what any of them grants, with the evidence added up: what a program needs is what\n"
	  "it needed in all runs. Where they contradict each other (one name, two things) it says so and prints nothing.\n"
	  "Of one manifest it prints the canonical form.",
	  .examples =
	  "  keros merge monday.toml tuesday.toml >week.toml\n" },
	{ "gdb", act_gdb, "gdb [OPTION...] [--symbols FILE] [--ex CMD]... [--batch] [-- COMMAND...]",
	  "the same as run, stopped at its first instruction under gdb",
	  "Starts a machine and gdb on it, with the kernel's symbols, and those of a guest program (static, at the addresses it was\n"
	  "linked for) with --symbols. In gdb: continue; break NAME; keros-ps, keros-current, keros-caps (help user-defined).\n"
	  "`break` in a program stops whichever process comes to that address, keros-break only the one called as FILE is.\n"
	  "When gdb ends, the machine does.",
	  .options = options_text,
	  .examples =
	  "  keros gdb --ex 'break process_op_clone' --ex continue -- sh -c 'ls | wc'\n"
	  "  keros gdb --symbols ./t/bin/prog --ex 'keros-break main' --ex continue --tree ./t -- prog\n" },
	{ "doctor", act_doctor, "doctor", "say what is missing, if anything",
	  "Checks the tools that the build and the machine need, what the build made, permissions and room; each failure comes\n"
	  "with the command that mends it. Status 0: all that is needed is there; 1: something is missing.",
	  .examples =
	  "  keros doctor\n" },
	{ "help", act_help, "help [VERB]", "explain a verb", "Explains.",
	  .examples =
	  "  keros help run\n"
	  "  keros help exit                           # what each exit status means\n"
	  "  keros help --man | man -l -               # all of it as a man page\n" },
	{ 0 },
};

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return act_help(0, NULL);
	return verb_find(argv[1])->act(argc - 2, argv + 2);
}
