import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Killed at any moment, a command leaves whole files or none, and works when it is run again.
struct KilledTests {
    /// Counts of `deploy/test --long`, and of every run.
    private static let rounds = ProcessInfo.processInfo.environment["LLMSTACK_TEST_LONG"] == "1" ? 200 : 20

    @Test func installIsWholeOrAbsentWhereverItIsKilled() throws {
        let reference = try Terminal()
        let began = ContinuousClock.now
        #expect(try reference.run(["install"]).code == 0)
        let length = (ContinuousClock.now - began) / .seconds(1)
        let whole = try files(of: reference)
        for _ in 0..<Self.rounds {
            let terminal = try Terminal()
            let process = terminal.process(["install"])
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            usleep(UInt32.random(in: 0...UInt32(length * 1e6)))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            for (name, data) in try files(of: terminal) where !name.hasSuffix(".tmp") {
                #expect(data.count == whole[name]?.count, "\(name)")
            }
            #expect(try terminal.run(["install"]).code == 0)
            #expect(
                try files(of: terminal).mapValues(\.count).filter { !$0.key.hasSuffix(".tmp") }
                    == whole.mapValues(\.count))
        }
    }

    /// By name, below the project.
    private func files(of terminal: Terminal) throws -> [String: Data] {
        Dictionary(
            uniqueKeysWithValues: terminal.snapshot().map {
                ($0.key.components(separatedBy: "/my project/").last ?? "", $0.value)
            })
    }
}
