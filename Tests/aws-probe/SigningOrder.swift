import Foundation
import Node

/// One request to sign.
struct SigningOrder: Decodable {
    var method: String
    var host: String
    var path: String
    var query: [[String]]
    var headers: [[String]]
    var body: String
    var accessKey: String
    var secretKey: String
    var token: String?
    var region: String
    var service: String
    /// Seconds since 1970.
    var time: Double

    enum CodingKeys: String, CodingKey {
        case method, host, path, query, headers, body, token, region, service, time
        case accessKey = "access_key"
        case secretKey = "secret_key"
    }

    var headersToAdd: [RequestSigner.Header] {
        let credentials = AWSCredentials(accessKey: accessKey, secretKey: secretKey, sessionToken: token)
        let request = RequestSigner.Request(
            method: method, host: host, path: path, query: query.filter { $0.count == 2 }.map { ($0[0], $0[1]) },
            headers: headers.filter { $0.count == 2 }.map { ($0[0], $0[1]) },
            payloadHash: RequestSigner.payloadHash(of: Array(body.utf8)))
        return RequestSigner(credentials: credentials, region: region, service: service)
            .sign(request, at: Date(timeIntervalSince1970: time))
    }
}
