import Foundation

/// AWS's STS: its requests and replies (https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html).
struct SecurityTokenService: Sendable {
    var endpoint: AWSEndpoint

    /// - Parameter credentials: nil: the request is not signed.
    func request(
        _ action: String, _ parameters: [(name: String, value: String)], credentials: AWSCredentials?, now: Date
    ) -> Curl.Request {
        let form = RequestSigner.query([("Action", action), ("Version", "2011-06-15")] + parameters)
        let body = Array(form.utf8)
        var headers: [RequestSigner.Header] = [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        ]
        if let credentials {
            let parts = URLComponents(string: endpoint.url)
            let signer = RequestSigner(credentials: credentials, region: endpoint.region, service: "sts")
            headers += signer.sign(
                .init(
                    method: "POST", host: Self.host(parts), path: (parts?.percentEncodedPath ?? "") + "/",
                    headers: headers, payloadHash: RequestSigner.payloadHash(of: body)), at: now)
        }
        return Curl.Request(
            endpoint.url + "/", headers: headers.map { "\($0.name): \($0.value)" }, method: "POST", body: body,
            followsRedirects: false)
    }

    /// As it stands in the header Host.
    private static func host(_ parts: URLComponents?) -> String {
        guard let parts, let host = parts.host else { return "" }
        let usual = parts.scheme == "https" ? 443 : 80
        return parts.port.map { $0 == usual ? host : "\(host):\($0)" } ?? host
    }

    static func credentials(in reply: AWSSurroundings.Reply) -> AWSCredentials? {
        let text = XMLTexts(reply.body)
        guard reply.status == 200, let accessKey = text["AccessKeyId"], let secretKey = text["SecretAccessKey"],
            let token = text["SessionToken"], let expiration = text["Expiration"].flatMap(AWSTimestamp.parse)
        else { return nil }
        return AWSCredentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: token, expiration: expiration)
    }

    /// Code and message of an error, for people.
    static func problem(in reply: AWSSurroundings.Reply) -> String {
        let text = XMLTexts(reply.body)
        guard let code = text["Code"] else { return "status \(reply.status)" }
        return ForeignWords.firstLine("\(code): \(text["Message"] ?? "")")
    }
}

/// The texts of a reply's elements, by the first of each name: enough for STS, whose replies have no attributes that
/// count and no two things of one name.
struct XMLTexts {
    private let text: String

    init(_ bytes: [UInt8]) { text = String(decoding: bytes, as: UTF8.self) }

    subscript(_ name: String) -> String? {
        guard let start = text.range(of: "<\(name)>"), let end = text.range(of: "</\(name)>"),
            start.upperBound <= end.lowerBound
        else { return nil }
        let raw = text[start.upperBound..<end.lowerBound].trimmed
        guard raw.contains("&") else { return raw }
        let entities = [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&"),
        ]
        return entities.reduce(raw) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }
}
