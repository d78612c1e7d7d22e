#if canImport(CAvahi)
    import CAvahi
    import Glibc

    /// Avahi's own thread, with a bell that any thread may ring and one timer.
    ///
    /// Both are file descriptors of the loop. Its lock is never taken: it is held during calls to the daemon, which can take
    /// 25 s. Its own timers are not used: they go by the wall clock.
    ///
    /// `@unchecked`: everything but ``ring()`` and ``free()`` belongs to the loop's thread; those touch nothing that changes.
    final class AvahiLoop: @unchecked Sendable {
        private let poll: OpaquePointer
        let api: UnsafePointer<AvahiPoll>
        private let bell: Int32
        private let timer: Int32
        private var armedFor: Duration?
        private let onWake: @Sendable () -> Void

        /// - Parameter onWake: called on the loop's thread after the bell and when the timer is due.
        /// - Returns: nil where the system has no descriptors or memory left.
        init?(onWake: @escaping @Sendable () -> Void) {
            guard let poll = avahi_threaded_poll_new() else { return nil }
            let bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
            let timer = timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
            guard let api = avahi_threaded_poll_get(poll), bell >= 0, timer >= 0 else {
                if bell >= 0 { close(bell) }
                if timer >= 0 { close(timer) }
                avahi_threaded_poll_free(poll)
                return nil
            }
            self.poll = poll
            self.api = api
            self.bell = bell
            self.timer = timer
            self.onWake = onWake
        }

        /// Since some point in the past; goes on while the machine sleeps.
        static var now: Duration {
            var time = timespec()
            clock_gettime(CLOCK_BOOTTIME, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }

        /// - Returns: false where no thread could be had.
        func start() -> Bool {
            let me = Unmanaged.passUnretained(self).toOpaque()
            for descriptor in [bell, timer] {
                _ = api.pointee.watch_new(
                    api, descriptor, AVAHI_WATCH_IN,
                    { _, descriptor, _, me in
                        guard let me else { return }
                        Unmanaged<AvahiLoop>.fromOpaque(me).takeUnretainedValue().woken(by: descriptor)
                    }, me)
            }
            return avahi_threaded_poll_start(poll) == 0
        }

        /// Wakes the loop's thread. From any thread.
        func ring() {
            var one: UInt64 = 1
            _ = write(bell, &one, 8)
        }

        /// Wakes the loop's thread at that time, and no more at the one that was set before; nil: not at all.
        func wake(at time: Duration?) {
            guard time != armedFor else { return }
            armedFor = time
            var setting = itimerspec()
            if let time {
                let (seconds, attoseconds) = max(time, .nanoseconds(1)).components
                setting.it_value = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            }
            timerfd_settime(timer, Int32(TFD_TIMER_ABSTIME), &setting, nil)
        }

        /// Ends the thread. From its own thread only.
        func quit() { avahi_threaded_poll_quit(poll) }

        /// Waits for the thread to end, and frees what it used. From any other thread, once.
        ///
        /// The descriptors stay until nobody has the loop any more: somebody may be about to ring.
        func free() { avahi_threaded_poll_free(poll) }

        deinit {
            close(bell)
            close(timer)
        }

        private func woken(by descriptor: Int32) {
            var count: UInt64 = 0
            _ = read(descriptor, &count, 8)
            if descriptor == timer { armedFor = nil }
            onWake()
        }
    }
#endif
