import Wire

/// Why a hosted tier cannot be asked at all: no credentials, no region.
package struct BedrockUnavailable: Error, Equatable, CustomStringConvertible {
    /// One sentence of what is wrong, and where possible one of what to do.
    package let description: String
    private let type: String
    /// For the log: the same in two lines, and what was looked at.
    let note: String

    init(_ description: String) {
        self.description = description
        type = "server_error"
        note = description
    }

    init(_ failure: CredentialFailure) {
        // The sentence that AWS's library has for a host without any credentials stands alone: clients know it so.
        let isBare = failure.kind == .none && failure.profile == nil
        description = isBare ? failure.summary : failure.advice
        type = failure.errorType
        note = failure.description
    }

    /// In OpenAI's shape.
    var body: [UInt8] {
        Array("{\"error\":{\"message\":\(description.jsonQuoted),\"type\":\(type.jsonQuoted)}}".utf8)
    }
}
