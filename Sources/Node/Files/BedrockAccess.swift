import Foundation

/// Whether AWS Bedrock looks usable from this host. Nobody is asked: only what is configured counts.
package enum BedrockAccess {
    /// - Parameter contents: the text of the file at a path; nil when there is none.
    /// - Returns: whether the environment holds credentials or names a profile, or an AWS file has one.
    package static func isConfigured(
        environment: [String: String],
        contents: (String) -> String? = { try? String(contentsOfFile: $0, encoding: .utf8) }
    ) -> Bool {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let direct = [
            "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ]
        if direct.contains(where: { value($0) != nil }) { return true }
        let home = value("HOME") ?? NSHomeDirectory()
        let files = [
            value("AWS_CONFIG_FILE") ?? "\(home)/.aws/config",
            value("AWS_SHARED_CREDENTIALS_FILE") ?? "\(home)/.aws/credentials",
        ]
        return files.contains { path in
            let expanded = path.hasPrefix("~/") ? home + path.dropFirst() : path
            return contents(expanded).map(hasProfile) ?? false
        }
    }

    /// Whether there is a header other than those that the AWS tools keep for other things.
    private static func hasProfile(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            let header = line.drop(while: \.isWhitespace)
            guard header.first == "[", let end = header.firstIndex(of: "]") else { return false }
            let words = header[header.index(after: header.startIndex)..<end].split(whereSeparator: \.isWhitespace)
            return words.first.map { $0 != "sso-session" && $0 != "services" && $0 != "plugins" } ?? false
        }
    }
}
