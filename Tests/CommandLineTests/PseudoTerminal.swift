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
        // A terminal's line buffer is small: each line waits until the one before has been shown.
        let lines = input.split(separator: "\n", omittingEmptySubsequences: false)
        return try run(process, answering: lines.map { (question: "", typed: "\($0)\n") })
    }

    /// Types each answer when its question is shown, or with an empty one when anything is.
    static func run(_ process: Process, answering answers: [(question: String, typed: String)]) throws -> String {
        var (master, slave): (Int32, Int32) = (-1, -1)
        guard openpty(&master, &slave, nil, nil, nil) == 0 else {
            throw Failure(description: "no pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        let terminal = FileHandle(fileDescriptor: slave, closeOnDealloc: true)
        (process.standardInput, process.standardOutput, process.standardError) = (terminal, terminal, terminal)
        try process.run()
        try terminal.close()
        var shown: [UInt8] = []
        var answered = 0
        var answers = answers[...]
        var buffer = [UInt8](repeating: 0, count: 4096)
        var watched = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        while poll(&watched, 1, 10_000) > 0 {
            let count = read(master, &buffer, buffer.count)
            if count <= 0 { break }
            shown += buffer[..<count]
            guard let next = answers.first,
                next.question.isEmpty || String(decoding: shown[answered...], as: UTF8.self).contains(next.question)
            else { continue }
            answers.removeFirst()
            answered = shown.count
            let typed = Array(next.typed.utf8)
            _ = write(master, typed, typed.count)
        }
        close(master)
        process.waitUntilExit()
        return String(decoding: shown, as: UTF8.self)
    }
}
