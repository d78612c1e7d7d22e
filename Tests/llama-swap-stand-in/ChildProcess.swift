import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A llama-server as a child process: leader of its own process group, without a shell, and with nothing of ours but
/// the environment. When the stand-in is killed it lives on, as llama-swap's children do.
struct ChildProcess: Sendable {
    struct SpawnFailed: Error, CustomStringConvertible {
        var description: String
    }

    let pid: pid_t

    /// - Parameters:
    ///   - words: the program (looked up in PATH) and its arguments.
    ///   - log: where its output goes, appended.
    ///   - onExit: called once, on a thread of its own, when the process is gone.
    init(words: [String], log: String, onExit: @escaping @Sendable () -> Void) throws(SpawnFailed) {
        #if canImport(Darwin)
            var files: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var files = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&files)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&files)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_APPEND | O_CREAT, 0o644)
        posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO)
        // A listening socket that leaks into an orphan would keep the port taken.
        #if canImport(Darwin)
            let closing = Int16(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #else
            for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
                if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            }
            let closing: Int16 = 0
        #endif
        var defaults = sigset_t()
        sigfillset(&defaults)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags) | closing)

        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var argv = words.map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for string in argv + envp { free(string) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &files, &attributes, &argv, &envp)
        guard code == 0 else {
            let reason = String(cString: strerror(code))
            throw SpawnFailed(description: "failed to start command '\(words.joined(separator: " "))': \(reason)")
        }
        self.pid = pid
        let child = pid
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(child, &status, 0) == -1, errno == EINTR {}
            onExit()
        }
    }

    /// Signals the whole process group.
    func signal(_ number: Int32) {
        kill(-pid, number)
    }
}
