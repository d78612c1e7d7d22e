#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How many files and connections this process may have open. A shell gives 1,024 on Linux and 256 on macOS; a router
/// with 1,024 connections needs two for each request that it passes on.
package enum OpenFileLimit {
    /// Enough for both sides of every connection, and the rest.
    package static let wanted: UInt64 = 4096

    /// Raises the limit as far as the system allows without asking, and never lowers it.
    ///
    /// - Returns: the limit from now on.
    @discardableResult
    package static func raise(to wanted: UInt64 = wanted) -> UInt64 {
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_NOFILE
        #else
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return UInt64(limit.rlim_cur) }
        let before = limit.rlim_cur
        limit.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
        return UInt64(setrlimit(resource, &limit) == 0 ? limit.rlim_cur : before)
    }
}
