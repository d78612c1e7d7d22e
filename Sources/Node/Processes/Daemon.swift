import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A program that runs on by itself: in a session of its own, without a terminal, its output appended to a log.
package struct Daemon: Sendable {
    /// Path of the program; no search, no shell.
    package var executable: String
    /// Without the program's own name.
    package var arguments: [String]
    package var environment: [String: String]
    /// Made with its directory when missing, else appended to.
    package var log: String

    package init(
        executable: String, arguments: [String], environment: [String: String], log: String
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.log = log
    }

    /// A program that could not be started, and the system's reason.
    package struct SpawnFailure: Error, Equatable {
        package let executable: String
        package let reason: String
    }

    /// Starts it. The process is the caller's child until the caller ends; it does not end with the caller.
    ///
    /// - Returns: its pid, which is also its session and process group.
    package func spawn() throws(SpawnFailure) -> Int32 {
        func failure(_ code: Int32) -> SpawnFailure {
            SpawnFailure(executable: executable, reason: String(cString: strerror(code)))
        }
        try? FileManager.default.createDirectory(
            atPath: (log as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard output >= 0 else {
            throw SpawnFailure(
                executable: executable, reason: "cannot write \(log): \(String(cString: strerror(errno)))")
        }
        defer { close(output) }

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
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        var flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        #if canImport(Darwin)
            // Everything but what the actions open is closed.
            flags |= Int32(POSIX_SPAWN_SETSID) | Int32(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #else
            flags |= 0x80  // POSIX_SPAWN_SETSID of <spawn.h>, which hides it from Swift
            Self.closeOnExec()
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
        guard code == 0 else { throw failure(code) }
        return pid
    }

    #if os(Linux)
        /// What this process has open beyond the standard three is not for the daemon: an inherited listening socket
        /// would keep its port taken for as long as the daemon lives.
        static func closeOnExec() {
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
