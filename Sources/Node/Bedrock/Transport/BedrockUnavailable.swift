import Wire

/// Why a hosted tier cannot be asked at all: no credentials, no region. One sentence of what is wrong, one of what mends
/// it.
package struct BedrockUnavailable: Error, Equatable, CustomStringConvertible {
    package let description: String
    private let type: String

    init(_ description: String, type: String = "credentials_unavailable") {
        self.description = description
        self.type = type
    }

    init(_ failure: CredentialFailure) {
        // The sentence that AWS's library has for a host without any credentials stands alone: clients know it so.
        let isBare = failure.kind == .none && failure.profile == nil
        self.init(isBare ? failure.summary : "\(failure.summary). Fix: \(failure.fix)", type: failure.errorType)
    }

    /// In OpenAI's shape.
    var body: [UInt8] {
        Array("{\"error\":{\"message\":\(description.jsonQuoted),\"type\":\(type.jsonQuoted)}}".utf8)
    }
}
