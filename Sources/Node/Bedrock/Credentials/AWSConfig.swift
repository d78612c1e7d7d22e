/// AWS's two files as one: which profiles there are, and what they say.
///
/// The AWS CLI's rules: a profile of the config file is `[profile NAME]` or `[default]`; any section of the credentials
/// file is one. Where both have a profile, its names in the credentials file count over those in the config file; keys
/// are looked for in each file by itself.
package struct AWSConfig: Equatable, Sendable {
    package typealias Section = AWSConfigText.Section

    /// Of both files.
    package private(set) var profiles: [String: Section] = [:]
    /// Of the config file only.
    package private(set) var configProfiles: [String: Section] = [:]
    /// Of the credentials file only.
    package private(set) var credentialProfiles: [String: Section] = [:]
    package private(set) var loginSessions: [String: Section] = [:]
    package private(set) var services: [String: Section] = [:]

    /// - Parameters:
    ///   - config: the config file's text; nil when there is none.
    ///   - credentials: the credentials file's.
    package init(config: AWSConfigText?, credentials: AWSConfigText?) {
        for (name, section) in config?.sections ?? [] {
            if name == "default" {
                configProfiles[name] = section
            } else if let profile = Self.second(of: name, after: "profile") {
                configProfiles[profile] = section
            } else if let session = Self.second(of: name, after: "sso-session") {
                loginSessions[session] = section
            } else if let service = Self.second(of: name, after: "services") {
                services[service] = section
            }
        }
        profiles = configProfiles
        for (name, section) in credentials?.sections ?? [] {
            credentialProfiles[name] = section
            profiles[name, default: Section()].texts.merge(section.texts) { $1 }
            profiles[name]?.tables.merge(section.tables) { $1 }
        }
    }

    /// `profile "my name"` names my name.
    private static func second(of header: String, after kind: String) -> String? {
        guard header.hasPrefix(kind), let words = ShellWords.split(header), words.count == 2 else { return nil }
        return words[1]
    }

    /// Reads both files.
    ///
    /// - Throws: ``CredentialFailure`` where one of them cannot be read as what it should be.
    package static func read(_ surroundings: AWSSurroundings, profile: String?) throws(CredentialFailure) -> AWSConfig {
        func parsed(_ path: String) throws(CredentialFailure) -> AWSConfigText? {
            guard let text = surroundings.text(path) else { return nil }
            do {
                return try AWSConfigText.parse(text)
            } catch {
                throw CredentialFailure(
                    .misconfigured, profile: profile, reason: "\(path) line \(error.line): \(error.problem)",
                    fix: "mend that line of \(path)")
            }
        }
        return AWSConfig(
            config: try parsed(surroundings.configPath), credentials: try parsed(surroundings.credentialsPath))
    }
}
