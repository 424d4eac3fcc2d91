"""Images rebuilt from the writes of a machine under load, as power could have left them: a share of `make images`."""

from lib import limit
from replay import replay, summary
from witnesses import native_options, posix_options


@limit(300)
def test_posix_images():
    """At each flush, and torn and reordered in between: sound, none older than the one before, and it goes on."""
    print(summary("posix", replay(posix_options, 120, 3, 4, 1)))


@limit(300)
def test_native_images():
    """The same of processes that keep accounts over IPC, with capabilities that were rescinded."""
    print(summary("native", replay(native_options, 120, 3, 4, 2)))
