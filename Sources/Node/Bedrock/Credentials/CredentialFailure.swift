/// Why there are no credentials for a profile. Has no secret in it.
package struct CredentialFailure: Error, Equatable {
    package enum Kind: Equatable, Sendable {
        /// No such profile in either file.
        case noProfile
        /// Nothing that could give credentials is configured.
        case none
        /// What is configured contradicts itself, is not complete, or cannot be read.
        case misconfigured
        /// Somebody has to log in again.
        case loginNeeded
        /// A service or program said no.
        case refused
        /// A service or program did not answer, or not in a way that can be read.
        case unreachable
    }

    package var kind: Kind
    /// nil: the default chain.
    package var profile: String?
    /// One line, without the profile's name.
    package var reason: String
    /// What was looked at, in order.
    package var tried: [String]
    /// What to do about it: a command, where there is one.
    package var fix: String

    package init(_ kind: Kind, profile: String?, reason: String, tried: [String] = [], fix: String) {
        self.kind = kind
        self.profile = profile
        self.reason = reason
        self.tried = tried
        self.fix = fix
    }

    /// Whether the same may well succeed a little later, without anybody's doing.
    package var isTransient: Bool { kind == .unreachable }

    /// The name that AWS's Python library has for it: clients of the API see it as the error's type.
    package var errorType: String {
        switch kind {
        case .noProfile: "ProfileNotFound"
        case .none: "NoCredentialsError"
        case .misconfigured: "InvalidConfigError"
        case .loginNeeded: "UnauthorizedSSOTokenError"
        case .refused, .unreachable: "CredentialRetrievalError"
        }
    }

    /// One line: what is wrong.
    package var summary: String {
        // The sentence that AWS's library has for it, which clients know.
        if kind == .none, profile == nil { return "Unable to locate credentials" }
        guard let profile else { return "AWS credentials: \(reason)" }
        return "AWS profile \"\(profile)\": \(reason)"
    }

    /// One line: what is wrong, and what to do about it.
    package var advice: String { "\(summary). To mend it: \(fix)" }
}

extension CredentialFailure: CustomStringConvertible {
    /// One line of what is wrong, one of what to do.
    package var description: String {
        let looked = tried.isEmpty ? "" : " (looked at: \(tried.joined(separator: ", ")))"
        return "\(summary)\(looked)\n  fix: \(fix)"
    }
}

/// Words of other programs, for an error: the first line, cut, and without whatever might be a secret.
enum ForeignWords {
    /// As many letters as the shortest secret has (an access key's secret has 40).
    private static let secretLength = 32
    private static let limit = 240

    static func firstLine(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).map(\.trimmed).first { !$0.isEmpty } ?? ""
        var shown = ""
        var run = ""
        func finish() {
            shown += run.count >= secretLength ? "[…]" : run
            run = ""
        }
        for character in line {
            if character.isLetter || character.isNumber || "+/=_-".contains(character) {
                run.append(character)
            } else {
                finish()
                // No escape sequence reaches a terminal.
                shown.append(
                    character.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } ? character : " ")
            }
        }
        finish()
        return shown.count > limit ? "\(shown.prefix(limit))…" : shown
    }
}
