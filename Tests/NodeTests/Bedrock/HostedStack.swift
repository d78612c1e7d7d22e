import Foundation
import Logging
import Node
import RouterHarness
import Synchronization
import Wire

/// A router over a scripted llama-swap and a scripted AWS Bedrock.
struct HostedStack {
    let router: RunningRouter
    let bedrock: ScriptedUpstream
    let credentials: ScriptedCredentials

    /// code-ultra and code-smart are hosted, the first with a profile; plan and code-fast are local.
    init(
        bedrockIsDown: Bool = false, credentials: ScriptedCredentials = ScriptedCredentials(),
        _ answer: @escaping ScriptedUpstream.Answer
    ) async throws {
        bedrock = try ScriptedUpstream(answer)
        self.credentials = credentials
        let port = bedrockIsDown ? 1 : bedrock.port
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        defer { try? FileManager.default.removeItem(at: file) }
        try """
        [DEFAULT]
        aws_endpoint_url = http://127.0.0.1:\(port)/gate
        [code-ultra]
        role = ultra
        aws_model_id = big:model/1
        aws_region = eu-central-1
        aws_profile = team
        [code-smart]
        role = agent
        aws_model_id = smart
        aliases = clever
        [code-fast]
        role = fast
        hf_repo = a/b
        hf_file = c.gguf
        [plan]
        role = plan
        hf_repo = a/b
        hf_file = d.gguf
        """.write(to: file, atomically: true, encoding: .utf8)
        router = try await RunningRouter(
            ini: file,
            hosted: BedrockBackend(
                transport: CurlMulti(), credentials: credentials, usesNext: false,
                environment: ["AWS_REGION": "us-west-2"], log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    func stop() async {
        await router.stop()
        bedrock.stop()
    }

    static func chat(_ model: String, stream: Bool = false, _ text: String = "hi") -> String {
        RequestText.post(
            "/v1/chat/completions",
            #"{"model":"\#(model)","stream":\#(stream),"messages":[{"role":"user","content":"\#(text)"}]}"#)
    }

    func ask(_ request: String) async throws -> HTTPText? {
        let router = router
        return try await onThread { try router.replies(to: [request])[0] }
    }

    // MARK: What Bedrock says

    static let whole = reply(
        "200 OK",
        #"{"output":{"message":{"role":"assistant","content":[{"text":"hello"}]}},"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4}}"#
    )

    static func reply(_ status: String, _ body: String, _ fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func refusal(_ status: String, _ code: String, _ fields: String = "") -> String {
        reply(status, #"{"message":"says the service"}"#, "x-amzn-ErrorType: \(code):http://aws\r\n\(fields)")
    }

    static let streamHead =
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"

    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10]
    }

    static let begin = EventFrameText.event("messageStart", #"{"role":"assistant"}"#)
    static let finish = EventFrameText.event("messageStop", #"{"stopReason":"end_turn"}"#)

    static func text(_ text: String) -> [UInt8] {
        EventFrameText.event("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"text":"\#(text)"}}"#)
    }
}

/// Credentials as a test says.
final class ScriptedCredentials: CredentialSource {
    private struct State {
        var access: [String?: AWSCredentials]
        var renewed: AWSCredentials?
        var isKnown: Bool
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - profiles: that have any; nil is the default chain.
    ///   - renewed: what there is once the first were given up.
    ///   - isKnown: whether it is known at once what there is.
    init(_ profiles: [String?] = [nil, "team"], renewed: AWSCredentials? = nil, isKnown: Bool = true) {
        let access = profiles.map { ($0, AWSCredentials(accessKey: "AKID\($0 ?? "")", secretKey: "s")) }
        state = Mutex(
            State(access: Dictionary(uniqueKeysWithValues: access), renewed: renewed, isKnown: isKnown))
    }

    func credentials(profile: String?, region: String?) async throws(CredentialFailure) -> AWSCredentials {
        guard let found = state.withLock({ $0.access[profile] }) else {
            throw CredentialFailure(
                .loginNeeded, profile: profile, reason: "the login has ended",
                fix: "aws sso login --profile \(profile ?? "")")
        }
        return found
    }

    func availability(profile: String?, region: String?) -> CredentialAvailability {
        state.withLock { state in
            guard state.isKnown else { return .unknown }
            return state.access[profile] == nil ? .unusable(reason: "the login has ended") : .usable
        }
    }

    func invalidate(profile: String?, used: AWSCredentials?) async {
        state.withLock { state in
            if let renewed = state.renewed { state.access[profile] = renewed }
        }
    }

    func region(profile: String?) throws(CredentialFailure) -> String? { nil }

    func endpoint(
        _ service: AWSEndpoint.Service, profile: String?, region: String?
    ) throws(CredentialFailure) -> AWSEndpoint? { nil }
}
