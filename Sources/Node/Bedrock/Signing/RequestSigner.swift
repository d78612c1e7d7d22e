import Crypto
package import Foundation

/// Signs requests to AWS: Signature Version 4
/// (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
///
/// Decides nothing and asks nobody: the same request at the same moment has the same signature.
package struct RequestSigner: Equatable, Sendable {
    package typealias Header = (name: String, value: String)

    /// What is signed. Whatever is sent has to be exactly this.
    package struct Request: Sendable {
        /// In upper case.
        package var method: String
        /// As in the header Host: with the port, unless it is the scheme's own.
        package var host: String
        /// As in the request's first line: percent-encoded once, without the query.
        package var path: String
        /// Decoded; ``query(_:)`` writes them as they are to be sent.
        package var query: [(name: String, value: String)]
        /// Of those sent: signed, but for those that a proxy may change. Host and what the signer adds are not among
        /// them.
        package var headers: [Header]
        /// Of ``RequestSigner/payloadHash(of:)``.
        package var payloadHash: String

        package init(
            method: String, host: String, path: String, query: [(name: String, value: String)] = [],
            headers: [Header] = [], payloadHash: String
        ) {
            self.method = method
            self.host = host
            self.path = path
            self.query = query
            self.headers = headers
            self.payloadHash = payloadHash
        }
    }

    package var credentials: AWSCredentials
    /// Such as eu-central-1.
    package var region: String
    /// The name that signatures know the service by: bedrock for bedrock-runtime.
    package var service: String

    package init(credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The SHA-256 of a body, in hexadecimal digits.
    package static func payloadHash(of body: some DataProtocol) -> String {
        HexDigits.lower(SHA256.hash(data: body))
    }

    /// A query as it is to be sent, and as it is signed: encoded and in order.
    package static func query(_ query: [(name: String, value: String)]) -> String {
        query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }
            .joined(separator: "&")
    }

    /// The headers to add to a request: x-amz-date, x-amz-security-token with lent credentials, and authorization.
    ///
    /// - Parameter date: AWS takes signatures that are at most five minutes off by its own clock.
    package func sign(_ request: Request, at date: Date) -> [Header] {
        let date = SigningDate(date)
        var added: [Header] = [("x-amz-date", date.stamp)]
        if let token = credentials.sessionToken, !token.isEmpty { added.append(("x-amz-security-token", token)) }
        let headers = Self.canonical(request.headers, host: request.host, added: added)
        let names = headers.map(\.name).joined(separator: ";")
        let canonical = [
            request.method, canonicalPath(request.path), Self.query(request.query),
            headers.map { "\($0.name):\($0.value)\n" }.joined(), names, request.payloadHash,
        ].joined(separator: "\n")
        let scope = "\(date.day)/\(region)/\(service)/aws4_request"
        let text = [
            "AWS4-HMAC-SHA256", date.stamp, scope, Self.payloadHash(of: Array(canonical.utf8)),
        ].joined(separator: "\n")
        let signature = HexDigits.lower(Self.code(for: text, key: key(day: date.day)))
        added.append(
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), "
                    + "SignedHeaders=\(names), Signature=\(signature)"
            ))
        return added
    }

    /// Encoded once more than on the wire, and without `.`, `..` and doubled slashes; S3 takes it as it is.
    private func canonicalPath(_ path: String) -> String {
        if service == "s3" { return path.isEmpty ? "/" : path }
        var segments: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment == ".." { _ = segments.popLast() } else { segments.append(segment) }
        }
        let end = path.hasSuffix("/") && !segments.isEmpty ? "/" : ""
        return PercentEncoding.encode("/" + segments.joined(separator: "/") + end, keepsSlash: true)
    }

    private func key(day: String) -> SymmetricKey {
        [day, region, service, "aws4_request"].reduce(SymmetricKey(data: Array("AWS4\(credentials.secretKey)".utf8))) {
            SymmetricKey(data: Self.code(for: $1, key: $0))
        }
    }

    private static func code(for text: String, key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }

    /// What may change or go missing on the way, so that AWS's own programs do not sign it either; and what a caller
    /// that signs anew has left over from before.
    private static let unsigned: Set<String> = [
        "authorization", "baggage", "connection", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade",
        "user-agent", "x-amz-date", "x-amz-security-token", "x-amzn-trace-id",
    ]

    /// Lower-case names in order, each once with all of its values, white space evened out.
    private static func canonical(_ headers: [Header], host: String, added: [Header]) -> [Header] {
        var values: [String: [String]] = ["host": [host]]
        for header in headers where !unsigned.contains(header.name.lowercased()) {
            values[header.name.lowercased(), default: []].append(evened(header.value))
        }
        for header in added { values[header.name] = [evened(header.value)] }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
    }

    private static func evened(_ value: String) -> String {
        value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
