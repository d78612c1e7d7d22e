#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// A monotonic clock that runs on while the host sleeps, read as a number: for what is done for each request.
/// `ContinuousClock` reads the same one, and takes ten times as long to say it in seconds.
package enum Uptime {
    /// Since some moment before this process began.
    package static var seconds: Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    #if canImport(Darwin)
        // Which goes on during sleep, unlike CLOCK_UPTIME_RAW.
        private static var clock: clockid_t { CLOCK_MONOTONIC }
    #else
        private static var clock: clockid_t { CLOCK_BOOTTIME }
    #endif
}
