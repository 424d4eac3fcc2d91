"""Machines killed at random moments under load: a share of `make kills`."""

from lib import limit
from witnesses import IN_FLIGHT, Instructions, Life, check_image, kill_loop, lua_options, native_options, posix_options

EACH = dict.fromkeys((b"A", b"C", b"U", b"P", b"T"), 16)


@limit(300)
def test_posix_load():
    """An appender with fsync, processes that pass a chain by pipes and by a socket, pages and a file tree: all of one moment after every kill."""
    kill_loop(posix_options, 8, 1, enough=EACH)


@limit(300)
def test_native_load():
    """Accounts behind IPC keep their sum, each process its chain, and rescinded capabilities stay void."""
    kill_loop(native_options, 8, 2, enough={b"W": 1000})


@limit(300)
def test_posix_instructions():
    """The same of machines that die at random instruction counts, in the restart as well as later."""
    kill_loop(posix_options, 8, 3, Instructions(), EACH)


@limit(300)
def test_native_instructions():
    """And of processes that keep accounts over IPC."""
    kill_loop(native_options, 6, 4, Instructions(), {b"W": 500})


@limit(300)
def test_lua_instructions():
    """And of a Lua domain and one that it has made, of the same moment always."""
    kill_loop(lua_options, 5, 6, Instructions(), {b"L": 100})


@limit(200)
def test_journal():
    """What a page held when page_journal answered is never lost, though all else goes back to the checkpoint before it."""
    last, went_back = 0, 0
    for life_number in range(6):
        life = Life(["--mem", "64M", "--disk", "d", "--disk-size", "512M", "--native", "w_journal"])
        life.wait_for(lambda line: line[:2] == b"J " and int(line[2:]) >= last + 40 + 30 * life_number)
        life.kill()
        assert not [line for line in life.lines if line.startswith(b"BAD")], life.lines[-3:]
        found = [line.split() for line in life.lines if line[:2] in (b"J ", b"R ")]
        journalled = [int(words[1]) for words in found if words[0] == b"J"]
        rounds = [int(words[1]) for words in found if words[0] == b"R"]
        assert last <= journalled[0] <= last + IN_FLIGHT, "a life begins with %d; %d was journalled before" % (journalled[0], last)
        assert journalled == list(range(journalled[0], journalled[0] + len(journalled))), journalled[:20]
        went_back += journalled[-1] > rounds[-1] + 1
        last = journalled[-1]
        check_image("d")
    assert went_back, "nothing ever went back: the journal had no part in this"
