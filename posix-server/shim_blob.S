/* The shim as data of the server, which copies it to the page that every process maps. */
#include "shim/shim.S"
