import Foundation

/// The files that credentials may come from, looked at for changes only.
struct CredentialFiles: Sendable {
    private let paths: [String]

    init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME") ?? NSHomeDirectory()
        paths = [
            value("AWS_CONFIG_FILE") ?? "\(home)/.aws/config",
            value("AWS_SHARED_CREDENTIALS_FILE") ?? "\(home)/.aws/credentials",
            // `aws sso login` writes a file in there.
            "\(home)/.aws/sso/cache",
        ].map { $0.hasPrefix("~/") ? home + $0.dropFirst() : $0 }
    }

    /// Another number when any of them has changed, come or gone.
    var stamp: Int {
        var hasher = Hasher()
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 else {
                hasher.combine(0)
                continue
            }
            hasher.combine(status.st_ino)
            hasher.combine(status.st_size)
            #if canImport(Darwin)
                hasher.combine(status.st_mtimespec.tv_sec)
                hasher.combine(status.st_mtimespec.tv_nsec)
            #else
                hasher.combine(status.st_mtim.tv_sec)
                hasher.combine(status.st_mtim.tv_nsec)
            #endif
        }
        return hasher.finalize()
    }
}
