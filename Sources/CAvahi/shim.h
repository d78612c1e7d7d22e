// What llmstack uses of libavahi-client, and the two kinds of descriptors that wake its loop.
#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/error.h>
#include <avahi-common/strlst.h>
#include <avahi-common/thread-watch.h>
#include <avahi-common/watch.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
