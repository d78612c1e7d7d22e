import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What other hosts say, and what files are called, reaches the terminal as text and nothing else.
struct HostileTextTests {
    private static let odd = #"a\u001b[2J\u007f\u009b31m\u202eb\u2028\u2066c\n"#
    private static let harmless = "a[2J31mbc"

    private static let roster = """
        {"cluster":{"id":"cluster0","name":"\(odd)","security":"open"},"nodes":[{"id":"aaaaaaaa","name":"\(odd)",
        "state":"\(odd)","note":"\(odd)","self":false,"source":"list","addresses":["\(odd)"],"port":-9,
        "last_word_ms":-9223372036854775808,"machine":{"platform":"x","accelerator":"\(odd)",
        "model_memory_bytes":18446744073709551615,"memory_bytes":1},
        "policy":{"share":[],"accepting":false,"reason":"\(odd)"},"power":{"source":"battery","level":-1e300},
        "tiers":[{"name":"\(odd)","aliases":[],"role":"","backend":"gguf","shared":false,
        "fingerprint":{"family":"f","ctx":1},"state":"ready","downloaded":1e300,"note":"\(odd)","slots":1,
        "busy":9223372036854775807,"queued":9223372036854775807,"speed":{"load_seconds":1e300,
        "prefill_tokens_per_second":1e300,"decode_tokens_per_second":-1e300}}]}]}
        """

    @Test func aRosterOfOddNumbersAndNamesIsShown() throws {
        let listener = try Listener(answer: Self.roster)
        defer { listener.close() }
        let terminal = try Terminal()
        try terminal.write("external http://127.0.0.1:\(listener.port)\n", to: ".llmstack/default-channel")
        let result = try terminal.run(["nodes"])
        #expect(result.code == 0, "\(result)")
        let name = Self.harmless
        #expect(
            result.output == """
                cluster \(name) (open), 1 node

                  \(name)  \(name)  \(name):-9  heard 0 ms ago  \(name)  on battery 0 %  \(name)
                    \(name), 18446744074 GB for models
                    \(name)  ready 100 %  1000000/1  1000000 waiting  1000000000 tok/s in  0 tok/s out  \
                loads in 1000000000 s  not shared  \(name)

                """, "\(result)")
    }

    @Test func aLineOfTheLogIsALine() throws {
        // The router ends at once, for its port is taken; before that it tells of the models.ini that is missing.
        let listener = try Listener(answer: "")
        defer { listener.close() }
        let terminal = try Terminal()
        let folder = terminal.project.appending(path: "odd\u{1b}\u{9b}\u{202e}\u{7f}\u{2028}\u{2066}\nname")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let process = terminal.process(["router"], environment: ["ROUTER_PORT": "\(listener.port)"])
        process.currentDirectoryURL = folder
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        let line = try #require(text.split(separator: "\n").first)
        #expect(line.contains(" warning no ") && line.contains("/odd       name/.llmstack/models.ini: "), "\(text)")
    }
}

/// Gives everybody on loopback the same answer.
private final class Listener: Sendable {
    struct Failure: Error {}

    let port: Int
    private let descriptor: Int32

    init(answer: String) throws {
        #if canImport(Darwin)
            let stream = SOCK_STREAM
        #else
            let stream = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard descriptor >= 0, isBound else { throw Failure() }
        self.descriptor = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(answer.utf8.count)\r\n"
        let reply = Array("\(head)Connection: close\r\n\r\n\(answer)".utf8)
        Thread {
            while true {
                let connection = accept(descriptor, nil, nil)
                if connection < 0 { return }
                var request = [UInt8](repeating: 0, count: 4096)
                _ = read(connection, &request, request.count)
                _ = write(connection, reply, reply.count)
                _ = shutdown(connection, Int32(SHUT_RDWR))
                _ = Foundation.close(connection)
            }
        }.start()
    }

    func close() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}
