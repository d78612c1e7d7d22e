// The system's on macOS; libavahi-compat-libdnssd's on Linux.
#include <dns_sd.h>
