import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A program on a terminal of its own, as a person has it in front of them.
enum PseudoTerminal {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Types all of `input` and returns everything that the terminal showed until the program ended.
    static func run(_ process: Process, typing input: String) throws -> String {
        var (master, slave): (Int32, Int32) = (-1, -1)
        guard openpty(&master, &slave, nil, nil, nil) == 0 else {
            throw Failure(description: "no pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        let terminal = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
        (process.standardInput, process.standardOutput, process.standardError) = (terminal, terminal, terminal)
        try process.run()
        try terminal.close()
        // A terminal's line buffer is small: each line waits until the one before has been shown.
        var shown: [UInt8] = []
        var lines = input.split(separator: "\n", omittingEmptySubsequences: false).map { Array("\($0)\n".utf8) }[...]
        var buffer = [UInt8](repeating: 0, count: 4096)
        var watched = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        while poll(&watched, 1, 10_000) > 0 {
            let count = read(master, &buffer, buffer.count)
            if count <= 0 { break }
            shown += buffer[..<count]
            if let line = lines.popFirst() { _ = write(master, line, line.count) }
        }
        close(master)
        process.waitUntilExit()
        return String(decoding: shown, as: UTF8.self)
    }
}
