import Foundation

/// The file that `NODE_EXTRA_CA_CERTS` names inside a project that talks to a router of a cluster with keys itself: the
/// cluster's authority, and whatever the user had there. Node.js reads one file of it and no more
/// (https://nodejs.org/api/cli.html#node_extra_ca_certsfile).
package enum AuthorityBundle {
    package static let variable = "NODE_EXTRA_CA_CERTS"
    /// Says whose certificates follow, so that a later install finds the user's file again.
    private static let note = "# of the user's own file: "

    /// - Parameters:
    ///   - authority: the cluster's certificate, PEM.
    ///   - users: the file that the variable names now; the prompt hook may have put `path` there.
    ///   - path: where the bundle is to be.
    package static func text(authority: String, users: String?, path: String) -> String {
        var users = users ?? ""
        if users == path { users = named(in: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "") }
        guard !users.isEmpty, users != path, !users.contains(where: \.isNewline),
            let theirs = try? String(contentsOfFile: users, encoding: .utf8)
        else { return whole(authority) }
        return "\(whole(authority))\(note)\(users)\n\(whole(theirs))"
    }

    private static func named(in bundle: String) -> String {
        let line = bundle.split(whereSeparator: \.isNewline).first { $0.hasPrefix(note) }
        return line.map { String($0.dropFirst(note.count)) } ?? ""
    }

    private static func whole(_ text: String) -> String { text.hasSuffix("\n") ? text : text + "\n" }
}

extension WorkDirectory {
    package var authoritiesPEM: String { "\(state)/authorities.pem" }
}
