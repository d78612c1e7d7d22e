import Foundation

extension CredentialChain {
    /// How a service of AWS's is asked: as often as AWS's programs do, which count the first time as well.
    struct Patience {
        var attempts: Int
        var timeout: Duration
        /// Before the second attempt; doubled before each further one.
        var pause: Duration

        static let service = Patience(attempts: 3, timeout: .seconds(10), pause: .milliseconds(200))
    }

    /// Sends a request, and again where that may help.
    ///
    /// - Parameter make: makes the request of each attempt: a signature holds for minutes only.
    /// - Returns: a reply with any status under 500 but 429.
    func send(
        to name: String, patience: Patience = .service, _ make: () -> Curl.Request
    ) async throws(CredentialFailure) -> AWSSurroundings.Reply {
        var pause = patience.pause
        var problem = ""
        for attempt in 1...max(1, patience.attempts) {
            if attempt > 1 {
                await surroundings.pause(pause)
                pause *= 2
            }
            var request = make()
            request.timeout = patience.timeout
            request.stallTimeout = patience.timeout
            do {
                let reply = try await surroundings.send(request)
                guard reply.status >= 500 || reply.status == 429 else { return reply }
                problem = "status \(reply.status)"
            } catch {
                problem = error.reason
                guard error.isTransient else { break }
            }
        }
        throw failure(
            .unreachable, "\(name) does not answer (\(ForeignWords.firstLine(problem)))",
            fix: "check the network, and HTTPS_PROXY where there is a proxy; it is tried again by itself")
    }
}

/// A reply's JSON object, read without a type for each service.
struct JSONFields {
    private let object: [String: Any]

    /// nil: it is no object.
    init?(_ bytes: [UInt8]) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else { return nil }
        self.object = object
    }

    private init(_ object: [String: Any]) { self.object = object }

    /// nil where there is none or an empty one.
    subscript(_ name: String) -> String? { (object[name] as? String).flatMap { $0.isEmpty ? nil : $0 } }

    func number(_ name: String) -> Double? { (object[name] as? NSNumber)?.doubleValue }

    func object(_ name: String) -> JSONFields? { (object[name] as? [String: Any]).map(JSONFields.init) }

    func credentials(
        _ accessKey: String, _ secretKey: String, _ token: String, expiration: Date?
    ) -> AWSCredentials? {
        guard let accessKey = self[accessKey], let secretKey = self[secretKey] else { return nil }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: self[token], expiration: expiration)
    }
}
