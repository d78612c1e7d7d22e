import Foundation
import Logging
import Node
import Synchronization

/// A world for the credentials' chain: files, clock, services and programs are what a test says. Home is /home/u.
final class CredentialsWorld: Sendable {
    struct State: Sendable {
        var files: [String: String] = [:]
        /// Counted up at each change of a file.
        var versions: [String: Int64] = [:]
        var now = Date(timeIntervalSince1970: 1_800_000_000)
        var requests: [Curl.Request] = []
        var commands: [[String]] = []
        var pauses: [Duration] = []
    }

    typealias Answer = @Sendable (Curl.Request, CredentialsWorld) async throws(CurlFailure) -> AWSSurroundings.Reply

    private let state = Mutex(State())
    private let answer: Answer
    private let output: @Sendable ([String]) -> AWSSurroundings.Output?
    private let variables: [String: String]

    init(
        config: String? = nil, credentials: String? = nil, variables: [String: String] = [:],
        files: [String: String] = [:],
        output: @escaping @Sendable ([String]) -> AWSSurroundings.Output? = { _ in nil },
        answer: @escaping Answer = { (_, _) async throws(CurlFailure) in
            throw CurlFailure(.unreachable, reason: "nobody there")
        }
    ) {
        self.answer = answer
        self.output = output
        self.variables = ["HOME": "/home/u"].merging(variables) { $1 }
        state.withLock { state in
            state.files = files
            state.files["/home/u/.aws/config"] = config
            state.files["/home/u/.aws/credentials"] = credentials
        }
    }

    func write(_ text: String?, to path: String) {
        state.withLock { state in
            state.files[path] = text
            state.versions[path, default: 0] += 1
        }
    }

    func advance(_ seconds: TimeInterval) {
        state.withLock { $0.now.addTimeInterval(seconds) }
    }

    var now: Date { state.withLock { $0.now } }
    var commands: [[String]] { state.withLock { $0.commands } }
    var pauses: [Duration] { state.withLock { $0.pauses } }

    func file(_ path: String) -> String? { state.withLock { $0.files[path] } }

    var requests: [Curl.Request] { state.withLock { $0.requests } }

    var surroundings: AWSSurroundings {
        AWSSurroundings(
            variables: variables,
            contents: { path in self.state.withLock { $0.files[path].map { Array($0.utf8) } } },
            stamp: { path in
                self.state.withLock { state in
                    state.files[path].map {
                        .init(inode: 1, size: UInt64($0.utf8.count), modified: state.versions[path, default: 0])
                    }
                }
            },
            save: { bytes, path in
                self.write(String(decoding: bytes, as: UTF8.self), to: path)
                return true
            },
            now: { self.now },
            pause: { duration in self.state.withLock { $0.pauses.append(duration) } },
            send: { request async throws(CurlFailure) in
                self.state.withLock { $0.requests.append(request) }
                return try await self.answer(request, self)
            },
            run: { words in
                self.state.withLock { $0.commands.append(words) }
                return self.output(words)
            })
    }

    var store: CredentialStore { CredentialStore(surroundings, log: Logger(label: "test")) }

    /// What a profile's credentials are, by a store of its own.
    func credentials(_ profile: String?, region: String? = nil) async throws(CredentialFailure) -> AWSCredentials {
        try await store.credentials(profile: profile, region: region)
    }

    func failure(_ profile: String?) async -> CredentialFailure? {
        do {
            _ = try await credentials(profile)
            return nil
        } catch {
            return error
        }
    }
}

extension Curl.Request {
    /// The fields of a form.
    var form: [String: String] {
        var parts = URLComponents()
        parts.percentEncodedQuery = String(decoding: body ?? [], as: UTF8.self)
        return Dictionary((parts.queryItems ?? []).map { ($0.name, $0.value ?? "") }) { $1 }
    }

    /// Whose signature it has: the access key.
    var signer: String? {
        headers.first { $0.hasPrefix("authorization: AWS4-HMAC-SHA256 Credential=") }?
            .split(separator: "=").dropFirst().first?.split(separator: "/").first.map(String.init)
    }
}

extension AWSSurroundings.Reply {
    static func text(_ text: String, status: Int = 200) -> Self { .init(status: status, body: Array(text.utf8)) }

    /// As STS answers AssumeRole and its like.
    static func lent(_ accessKey: String, until: Date) -> Self {
        .text(
            """
            <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
              <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
              <Credentials><AccessKeyId>\(accessKey)</AccessKeyId><SecretAccessKey>s&amp;\(accessKey)</SecretAccessKey>
              <SessionToken>t-\(accessKey)</SessionToken><Expiration>\(AWSTimestamp.text(until))</Expiration></Credentials>
            </AssumeRoleResult></AssumeRoleResponse>
            """)
    }

    static func refused(_ code: String, _ message: String, status: Int = 403) -> Self {
        .text(
            "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error>"
                + "</ErrorResponse>", status: status)
    }
}
