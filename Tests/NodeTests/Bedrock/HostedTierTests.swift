import Foundation
import Node
import RouterHarness
import Synchronization
import Testing
import Wire

/// Hosted tiers, from a client's socket to the service's, over real sockets.
@Suite(.timeLimit(.minutes(3)))
struct HostedTierTests {
    private static func always(_ text: String) -> ScriptedUpstream.Answer { ScriptedUpstream.always(text) }

    /// A reply for each request in turn, the last for all others; an empty one ends the connection without a word.
    private static func script(_ replies: String...) -> ScriptedUpstream.Answer {
        let turn = Mutex(0)
        return { socket, _ in
            let reply = turn.withLock { turn in
                defer { turn += 1 }
                return replies[min(turn, replies.count - 1)]
            }
            if reply.isEmpty { return .close }
            socket.send(reply)
            return .keepOpen
        }
    }

    /// A stream of these pieces, and then its end; without `ends` the service falls silent.
    private static func stream(_ pieces: [[UInt8]], ends: Bool = true) -> ScriptedUpstream.Answer {
        { socket, _ in
            socket.send(HostedStack.streamHead)
            for piece in pieces { socket.send(HostedStack.chunk(piece)) }
            if ends { socket.send("0\r\n\r\n") }
            return .keepOpen
        }
    }

    private static func events(_ reply: HTTPText?) -> [String] {
        (reply?.text ?? "").split(separator: "\n").filter { !$0.isEmpty }.map { String($0.dropFirst("data: ".count)) }
    }

    // MARK: Replies

    @Test func `A whole reply comes back in OpenAI's shape, for a signed request to the model's path`() async throws {
        let stack = try await HostedStack(Self.always(HostedStack.whole))
        let reply = try await stack.ask(HostedStack.chat("code-ultra"))
        #expect(reply?.status == 200)
        #expect(reply?.text.contains(#""content":"hello""#) == true)
        let asked = try #require(stack.bedrock.requests.first)
        #expect(asked.startLine == "POST /gate/model/big%3Amodel%2F1/converse HTTP/1.1")
        #expect(asked["authorization"]?.contains("Credential=AKIDteam/") == true)
        #expect(asked["authorization"]?.contains("/eu-central-1/bedrock/aws4_request") == true)
        #expect(asked["host"] == "127.0.0.1:\(stack.bedrock.port)")
        #expect(stack.router.upstream.requests.isEmpty)
        await stack.stop()
    }

    @Test func `An alias leads to its hosted tier, and the environment's region counts where the tier has none`()
        async throws
    {
        let stack = try await HostedStack(Self.always(HostedStack.whole))
        #expect(try await stack.ask(HostedStack.chat("clever"))?.status == 200)
        let asked = try #require(stack.bedrock.requests.first)
        #expect(asked.target == "/gate/model/smart/converse")
        #expect(asked["authorization"]?.contains("Credential=AKID/") == true)
        #expect(asked["authorization"]?.contains("/us-west-2/bedrock/") == true)
        await stack.stop()
    }

    @Test func `Requests one after the other share a connection`() async throws {
        let stack = try await HostedStack(Self.always(HostedStack.whole))
        for _ in 0..<3 { #expect(try await stack.ask(HostedStack.chat("code-ultra"))?.status == 200) }
        #expect(stack.bedrock.connections == 1)
        await stack.stop()
    }

    @Test func `Each event of a stream reaches the client before the next is there`() async throws {
        let stack = try await HostedStack { socket, _ in
            socket.send(HostedStack.streamHead)
            socket.send(HostedStack.chunk(HostedStack.begin + HostedStack.text("one")))
            // The next comes once the test has seen the first.
            _ = socket.receive()
            return .close
        }
        let router = stack.router
        let socket = try Socket(port: router.port)
        socket.send(HostedStack.chat("code-ultra", stream: true))
        let seen = try await onThread {
            try socket.read(seconds: 20) { String(decoding: $0, as: UTF8.self).contains("one") }
        }
        let text = String(decoding: seen, as: UTF8.self)
        #expect(text.contains("content-type: text/event-stream"))
        #expect(text.contains(#""delta":{"role":"assistant"}"#))
        #expect(text.contains(#""delta":{"content":"one"}"#))
        await stack.stop()
    }

    @Test(arguments: [1, 7, 1000])
    func `A stream is whole in whatever pieces it comes`(size: Int) async throws {
        let bytes =
            HostedStack.begin + (0..<50).flatMap { HostedStack.text("word\($0) ") } + HostedStack.finish
        let pieces = stride(from: 0, to: bytes.count, by: size).map {
            Array(bytes[$0..<min($0 + size, bytes.count)])
        }
        let stack = try await HostedStack(Self.stream(pieces))
        let reply = try await stack.ask(HostedStack.chat("code-ultra", stream: true))
        let events = Self.events(reply)
        #expect(events.count == 53)
        #expect(events.last == "[DONE]")
        for number in 0..<50 { #expect(events[number + 1].contains("\"word\(number) \"")) }
        await stack.stop()
    }

    // MARK: Faults

    struct Retry: Sendable {
        var replies: [String]
        var requests: Int
        var status: Int
        var says: String
    }

    @Test(arguments: [
        Retry(
            replies: [HostedStack.refusal("500 Oops", "InternalServerException")], requests: 3, status: 502,
            says: "InternalServerException"),
        Retry(
            replies: [HostedStack.refusal("429 Slow", "ThrottlingException"), HostedStack.whole], requests: 2,
            status: 200, says: "hello"),
        Retry(
            replies: [HostedStack.refusal("429 Wait", "ModelNotReadyException"), "", HostedStack.whole], requests: 3,
            status: 200, says: "hello"),
        Retry(replies: [""], requests: 3, status: 502, says: "upstream_unavailable"),
        Retry(
            replies: [HostedStack.refusal("400 No", "ValidationException"), HostedStack.whole], requests: 1,
            status: 502, says: "says the service"),
        Retry(
            replies: [HostedStack.refusal("403 No", "AccessDeniedException"), HostedStack.whole], requests: 1,
            status: 502, says: "AccessDeniedException"),
        Retry(replies: [HostedStack.reply("200 OK", "no json")], requests: 1, status: 502, says: "upstream_invalid"),
    ])
    func `What passes by itself is tried three times in all, and nothing else is`(retry: Retry) async throws {
        let turn = Mutex(0)
        let stack = try await HostedStack { socket, _ in
            let reply = turn.withLock { turn in
                defer { turn += 1 }
                return retry.replies[min(turn, retry.replies.count - 1)]
            }
            if reply.isEmpty { return .close }
            socket.send(reply)
            return .keepOpen
        }
        let reply = try await stack.ask(HostedStack.chat("code-ultra"))
        #expect(reply?.status == retry.status)
        #expect(reply?.text.contains(retry.says) == true, "\(reply?.text ?? "")")
        #expect(stack.bedrock.requests.count == retry.requests)
        await stack.stop()
    }

    @Test func `Nobody there is a 502 that says where`() async throws {
        let stack = try await HostedStack(bedrockIsDown: true, Self.always(HostedStack.whole))
        let reply = try await stack.ask(HostedStack.chat("code-ultra"))
        #expect(reply?.status == 502)
        #expect(reply?.text.contains("http://127.0.0.1:1/gate") == true)
        await stack.stop()
    }

    @Test func `A refusal for the signature's time is answered by the service's clock, once`() async throws {
        let stack = try await HostedStack(
            Self.script(
                HostedStack.refusal(
                    "403 Forbidden", "InvalidSignatureException", "Date: Tue, 05 Jan 2038 10:00:00 GMT\r\n"),
                HostedStack.whole))
        #expect(try await stack.ask(HostedStack.chat("code-ultra"))?.status == 200)
        let dates = stack.bedrock.requests.compactMap { $0["x-amz-date"] }
        #expect(dates.count == 2)
        #expect(dates.last?.hasPrefix("20380105T10") == true)
        // From then on at the first try.
        #expect(try await stack.ask(HostedStack.chat("code-ultra"))?.status == 200)
        #expect(stack.bedrock.requests.last?["x-amz-date"]?.hasPrefix("20380105T10") == true)
        await stack.stop()
    }

    @Test func `A refusal for the signature's time is answered also where another has set the clock meanwhile`()
        async throws
    {
        let refusal = HostedStack.refusal(
            "403 Forbidden", "InvalidSignatureException", "Date: Tue, 05 Jan 2038 10:00:00 GMT\r\n")
        let isFirst = Mutex(true)
        let (bothAreIn, clockIsSet) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let stack = try await HostedStack { socket, request in
            if request["x-amz-date"]?.hasPrefix("2038") == true {
                clockIsSet.signal()
                socket.send(HostedStack.whole)
                return .keepOpen
            }
            let comesFirst = isFirst.withLock { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            if comesFirst {
                _ = bothAreIn.wait(timeout: .now() + 60)
            } else {
                bothAreIn.signal()
                _ = clockIsSet.wait(timeout: .now() + 60)
            }
            socket.send(refusal)
            return .keepOpen
        }
        async let one = stack.ask(HostedStack.chat("code-ultra"))
        async let other = stack.ask(HostedStack.chat("code-ultra"))
        let statuses = try await [one?.status, other?.status]
        #expect(statuses == [200, 200])
        #expect(stack.bedrock.requests.count == 4)
        // Each has set it to the same.
        #expect(try await stack.ask(HostedStack.chat("code-ultra"))?.status == 200)
        #expect(stack.bedrock.requests.last?["x-amz-date"]?.hasPrefix("20380105T10") == true)
        await stack.stop()
    }

    @Test func `Credentials that are taken no more are renewed, once`() async throws {
        let renewed = AWSCredentials(accessKey: "AKIDNEW", secretKey: "s", sessionToken: "t")
        let stack = try await HostedStack(
            credentials: ScriptedCredentials(renewed: renewed),
            Self.script(HostedStack.refusal("403 Forbidden", "ExpiredTokenException"), HostedStack.whole))
        #expect(try await stack.ask(HostedStack.chat("code-ultra"))?.status == 200)
        #expect(stack.bedrock.requests.last?["authorization"]?.contains("Credential=AKIDNEW/") == true)
        #expect(stack.bedrock.requests.last?["x-amz-security-token"] == "t")
        await stack.stop()
    }

    struct Break: Sendable {
        var pieces: [[UInt8]]
        var ends: Bool
        var code: String
    }

    private static let damaged: [UInt8] = {
        var bytes = HostedStack.text("lost")
        bytes[bytes.count - 1] ^= 1
        return bytes
    }()

    @Test(arguments: [
        // The service falls silent behind what cannot be read: nobody waits for it.
        Break(pieces: [HostedStack.begin, HostedStack.text("par"), damaged], ends: false, code: "upstream_invalid"),
        Break(
            pieces: [HostedStack.begin, HostedStack.text("par"), Array(damaged.prefix(40))], ends: true,
            code: "upstream_invalid"),
        Break(
            pieces: [HostedStack.begin, HostedStack.text("par"), Array(repeating: 0, count: 12)], ends: false,
            code: "upstream_invalid"),
        Break(
            pieces: [
                HostedStack.begin, HostedStack.text("par"),
                EventFrameText.exception("throttlingException", #"{"message":"slow down"}"#),
            ], ends: false,
            code: "throttlingException"),
    ])
    func `What cannot be read of a stream ends it with an error`(fault: Break) async throws {
        let stack = try await HostedStack(Self.stream(fault.pieces, ends: fault.ends))
        let events = Self.events(try await stack.ask(HostedStack.chat("code-ultra", stream: true)))
        #expect(events.contains { $0.contains("\"par\"") })
        #expect(events.last?.contains(fault.code) == true, "\(events)")
        #expect(events.dropLast().last?.contains(#""finish_reason":"error""#) == true)
        #expect(!events.contains("[DONE]"))
        await stack.stop()
    }

    @Test func `A connection that breaks in a stream ends it with an error`() async throws {
        let stack = try await HostedStack { socket, _ in
            socket.send(HostedStack.streamHead)
            socket.send(HostedStack.chunk(HostedStack.begin + HostedStack.text("par")))
            return .close
        }
        let events = Self.events(try await stack.ask(HostedStack.chat("code-ultra", stream: true)))
        #expect(events.last?.contains("upstream_lost") == true, "\(events)")
        #expect(stack.bedrock.requests.count == 1)
        await stack.stop()
    }

    // MARK: Clients that leave, and clients that are slow

    @Test func `When the client leaves the service's connection ends at once`() async throws {
        let gone = Mutex<ContinuousClock.Instant?>(nil)
        let stack = try await HostedStack { socket, _ in
            socket.send(HostedStack.streamHead)
            socket.send(HostedStack.chunk(HostedStack.begin + HostedStack.text("one")))
            if socket.receive(seconds: 20) == [] { gone.withLock { $0 = .now } }
            return .close
        }
        let router = stack.router
        let left = try await onThread {
            let socket = try Socket(port: router.port)
            socket.send(HostedStack.chat("code-ultra", stream: true))
            _ = try socket.read(seconds: 20) { String(decoding: $0, as: UTF8.self).contains("one") }
            socket.resetsAtItsEnd()
            return ContinuousClock.now
        }
        #expect(await eventually(within: 20) { gone.withLock { $0 != nil } })
        let took = try #require(gone.withLock { $0 }) - left
        #expect(took < .seconds(5))
        await stack.stop()
    }

    @Test func `A client that leaves before there is a reply ends the request`() async throws {
        let gone = Mutex(false)
        let stack = try await HostedStack { socket, _ in
            if socket.receive(seconds: 20) == [] { gone.withLock { $0 = true } }
            return .close
        }
        let router = stack.router
        do {
            let socket = try Socket(port: router.port)
            socket.send(HostedStack.chat("code-ultra"))
            #expect(await eventually(within: 20) { !stack.bedrock.requests.isEmpty })
            socket.close()
        }
        #expect(await eventually(within: 20) { gone.withLock { $0 } })
        #expect(stack.bedrock.requests.count == 1)
        await stack.stop()
    }

    @Test func `A client that does not read holds up the service, and gets all of it in the end`() async throws {
        let count = 6000
        let piece = HostedStack.chunk(HostedStack.text(String(repeating: "x", count: 8000)))
        let sent = Mutex(0)
        let stack = try await HostedStack { socket, _ in
            socket.send(HostedStack.streamHead)
            socket.send(HostedStack.chunk(HostedStack.begin))
            for _ in 0..<count {
                // A stalled client is cut after a minute; the test reads on long before.
                guard socket.send(piece, seconds: 50) == piece.count else { return .close }
                sent.withLock { $0 += 1 }
            }
            socket.send(HostedStack.chunk(HostedStack.finish))
            socket.send("0\r\n\r\n")
            return .keepOpen
        }
        let router = stack.router
        let socket = try Socket(port: router.port)
        socket.send(HostedStack.chat("code-ultra", stream: true))
        // It stands still once all buffers on the way are full.
        var before = -1
        #expect(
            await eventually(within: 30) {
                let now = sent.withLock { $0 }
                defer { before = now }
                guard now > 0, now == before else { return false }
                let end = ContinuousClock.now + .milliseconds(700)
                while ContinuousClock.now < end { if sent.withLock({ $0 }) != now { return false } }
                return true
            })
        // What the kernel holds on both sides is megabytes; what the router holds is not.
        #expect(sent.withLock { $0 } < count / 2)
        let all = try await onThread {
            try socket.read(seconds: 30) { $0.suffix(40).firstRange(of: Array("[DONE]".utf8)) != nil }
        }
        #expect(all.count > count * 8000)
        await stack.stop()
    }

    // MARK: auto

    @Test(arguments: [true, false])
    func `auto passes by hosted tiers without credentials, down to a local one`(isKnown: Bool) async throws {
        let stack = try await HostedStack(
            credentials: ScriptedCredentials([], isKnown: isKnown), Self.always(HostedStack.whole))
        let reply = try await stack.ask(HostedStack.chat("auto"))
        #expect(reply?.status == 200)
        #expect(reply?.text == "ok")
        #expect(stack.router.upstream.requests.first?.text.hasPrefix(#"{"model":"code-fast""#) == true)
        #expect(stack.bedrock.requests.isEmpty)
        await stack.stop()
    }

    @Test func `auto goes to the next hosted tier that has credentials`() async throws {
        let stack = try await HostedStack(credentials: ScriptedCredentials([nil]), Self.always(HostedStack.whole))
        let reply = try await stack.ask(HostedStack.chat("auto"))
        #expect(reply?.text.contains(#""model":"code-smart""#) == true)
        #expect(stack.bedrock.requests.first?.target == "/gate/model/smart/converse")
        await stack.stop()
    }

    @Test func `A tier that is named without credentials is a 502 that names the profile and the command`() async throws
    {
        let stack = try await HostedStack(credentials: ScriptedCredentials([nil]), Self.always(HostedStack.whole))
        for stream in [false, true] {
            let reply = try await stack.ask(HostedStack.chat("code-ultra", stream: stream))
            #expect(reply?.status == 502)
            #expect(reply?.text.contains("aws sso login --profile team") == true)
        }
        #expect(stack.bedrock.requests.isEmpty)
        await stack.stop()
    }

    @Test func `Completions have their own shape`() async throws {
        let stack = try await HostedStack(Self.always(HostedStack.whole))
        let reply = try await stack.ask(
            RequestText.post("/v1/completions", #"{"model":"code-ultra","prompt":"hi"}"#))
        #expect(reply?.status == 200)
        #expect(reply?.text.contains("text_completion") == true)
        await stack.stop()
    }
}
