# keros.gdb - what `keros gdb` knows of the kernel.  Physical memory is at PHYSICAL_BASE (arch/x86/x86.h).

set pagination off
set confirm off
set print pretty on
set disassemble-next-line auto

define keros-frame
	set $pfn = (unsigned long)$arg0
	printf "frame %lu: oid %lu, kind %d, flags %#x, count %u\n", $pfn, frames[$pfn].oid, frames[$pfn].kind, frames[$pfn].flags, frames[$pfn].alloc_count
end
document keros-frame
keros-frame PFN: the header of a physical frame.
end

define keros-one
	set $p = (struct process *)$arg0
	printf "%8lu  ", frames[$p->pfn].oid
	if $p->name[0]
		printf "%-16.16s", &$p->name[0]
	else
		printf "%-16s", "(no name)"
	end
	if $p->state == 0
		printf "  available"
	end
	if $p->state == 1
		printf "  running  "
	end
	if $p->state == 2
		printf "  waiting  "
	end
	printf "  prio %2d  rip %#lx\n", $p->priority, $p->regs.rip
end
document keros-one
keros-one POINTER: one line of a struct process.
end

define keros-ps
	set $i = 1
	while $i < frame_count
		if frames[$i].kind == FRAME_PROCESS
			keros-one (0xFFFF800000000000+$i*4096)
		end
		set $i = $i + 1
	end
end
document keros-ps
keros-ps: every process (oid, name, state, priority, rip).  Reads all frame headers: some seconds.
end

define keros-break
	break $arg0 if *(unsigned long *)&cpu.current->name == $keros_name
end
document keros-break
keros-break LOCATION: a breakpoint in the program of --symbols that stops it and no other process at that address.
(It is recognised by the first eight bytes of its name.)
end

define keros-current
	if cpu.current
		keros-one cpu.current
	else
		echo no process is current\n
	end
end
document keros-current
keros-current: the process that runs, or ran before this trap.
end

define keros-caps
	set $p = (struct process *)$arg0
	set $i = 0
	while $i < 32
		if $p->caps[$i].type
			printf "%2d  type %2d  data %#6x  count %u  oid %lu\n", $i, $p->caps[$i].type, $p->caps[$i].data, $p->caps[$i].count, $p->caps[$i].ref >> 28
		end
		set $i = $i + 1
	end
end
document keros-caps
keros-caps POINTER: the capability registers of a struct process, as cpu.current.
end

define keros-regs
	set $p = (struct process *)$arg0
	print $p->regs
end
document keros-regs
keros-regs POINTER: the registers that a process will go on with.
end
