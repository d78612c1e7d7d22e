package import Foundation

/// What signs requests to AWS. Lives in memory only, and tells nothing of its secrets in a log.
package struct AWSCredentials: Equatable, Sendable {
    package var accessKey: String
    package var secretKey: String
    /// Of credentials that were lent for a while.
    package var sessionToken: String?
    /// nil: they do not expire.
    package var expiration: Date?

    package init(accessKey: String, secretKey: String, sessionToken: String? = nil, expiration: Date? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "AWS credentials \(accessKey)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["accessKey": accessKey]) }
}
