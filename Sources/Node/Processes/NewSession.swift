import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Starts programs in sessions of their own: without a terminal, with nothing of this process but what they are given.
enum NewSession {
    /// One of `errno`'s.
    struct Failure: Error { var code: Int32 }

    /// - Parameters:
    ///   - executable: a path; no search, no shell.
    ///   - arguments: without the program's own name.
    ///   - output: the program's standard output; `errors` its standard error. Its input has nothing.
    /// - Returns: the pid, which is also its session and process group. It is this process's child.
    static func spawn(
        _ executable: String, _ arguments: [String], _ environment: [String: String], output: Int32, errors: Int32
    ) -> Result<pid_t, Failure> {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        #if canImport(Darwin)
            // Everything but what the actions open is closed.
            flags |= Int32(POSIX_SPAWN_SETSID) | Int32(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #else
            flags |= 0x80  // POSIX_SPAWN_SETSID of <spawn.h>, which hides it from Swift
            closeOnExec()
        #endif
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(flags))
        // An ignored signal (SIGPIPE, from the network library) and a blocked one would be inherited.
        var everySignal = sigset_t()
        sigfillset(&everySignal)
        posix_spawnattr_setsigdefault(&attributes, &everySignal)
        var noSignal = sigset_t()
        sigemptyset(&noSignal)
        posix_spawnattr_setsigmask(&attributes, &noSignal)

        var pid: pid_t = 0
        let code = withCStrings([executable] + arguments) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&pid, executable, &actions, &attributes, arguments, environment)
            }
        }
        return code == 0 ? .success(pid) : .failure(Failure(code: code))
    }

    #if os(Linux)
        /// What this process has open beyond the standard three is not for the program: an inherited listening socket
        /// would keep its port taken for as long as that runs.
        private static func closeOnExec() {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
                if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            }
        }
    #endif
}

/// Calls `body` with the strings as C wants them: an array of pointers that ends with a null.
package func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
}
