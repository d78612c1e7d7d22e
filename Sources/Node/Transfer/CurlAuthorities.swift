import Foundation

/// Whose certificates are trusted, where the environment says so: companies have proxies with authorities of their own.
/// libcurl reads none of these variables by itself; the programs `curl` and `aws` do.
enum CurlAuthorities {
    /// A file of certificates in place of the system's; the first variable that is set counts.
    static let file = value(of: ["AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    /// A folder of certificates, as `c_rehash` makes it.
    static let folder = value(of: ["SSL_CERT_DIR"])

    private static func value(of names: [String]) -> String? {
        let environment = ProcessInfo.processInfo.environment
        return names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
}
