package import Cluster

/// The models.ini that another host's router shows: what it serves, and the sign that it is there.
package enum RemoteCatalog {
    /// For the whole fetch.
    package static let timeout = Duration.seconds(15)
    /// Bytes; a models.ini has a few thousand.
    private static let limit = 4 << 20

    /// No catalog could be had from there.
    package struct Unavailable: Error, Equatable, CustomStringConvertible {
        /// Two lines: what is wrong, and what to do.
        package let description: String

        package init(_ problem: String, fix: String) { description = "\(problem)\n  fix: \(fix)" }

        /// - Parameter error: one that says itself what to do.
        init(said error: any Error) { description = "\(error)" }

        /// The cluster has keys, and takes this host's no more.
        package static func keyRefused(_ url: String) -> Unavailable {
            Unavailable(
                "the router at \(url) does not take this host's key: it was revoked",
                fix: "ask for a new token, then llmstack install --external auto --token TOKEN")
        }
    }

    /// Fetches and reads it.
    ///
    /// - Parameters:
    ///   - url: without a slash at its end.
    ///   - timeout: for the whole fetch.
    /// - Throws: ``Unavailable`` when nothing answers, the answer is no 200, or it is no models.ini.
    package static func fetch(from url: String, timeout: Duration = timeout) async throws(Unavailable) -> Catalog {
        let reply: (status: Int, body: [UInt8])
        do {
            reply = try await Curl.get("\(url)/models.ini", timeout: timeout, limit: limit)
        } catch {
            throw Unavailable(
                "the router at \(url) cannot be reached: \(error)", fix: way(to: url, (error as? CurlFailure)?.kind))
        }
        return try read(reply.status, reply.body, from: url)
    }

    /// 1. A listener that speaks TLS ends a plain connection without a word.
    /// 2. The router's own port is its host's alone, unless somebody has opened it.
    private static func way(to url: String, _ failure: CurlFailure.Kind?) -> String {
        let plain = "http://"
        switch failure {
        // 1.
        case .cut? where url.hasPrefix(plain):
            return "see that a router runs there; one of a cluster with keys takes "
                + "llmstack install --external https://\(url.dropFirst(plain.utf8.count)) --token TOKEN"
        // 2.
        case .unreachable? where url.hasSuffix(":\(Endpoints.defaultRouterPort)"):
            return "run llmstack start on that host, and see that others reach the router: without ROUTER_HOST it "
                + "listens on loopback only, and a cluster's hosts are reached on port \(PinnedRouter.clusterPort)"
        default:
            return "run llmstack start on that host, and see that the URL is right and reachable from here"
        }
    }

    /// Judges a reply to `GET /models.ini`.
    static func read(_ status: Int, _ body: [UInt8], from url: String) throws(Unavailable) -> Catalog {
        guard status == 200 else {
            throw Unavailable(
                "\(url)/models.ini answers \(status)",
                fix: "see that this is the URL of an llmstack router, and that it has a models.ini")
        }
        guard let text = String(validating: body, as: UTF8.self) else {
            throw Unavailable("\(url)/models.ini is not text", fix: "see that this is the URL of an llmstack router")
        }
        let catalog: Catalog
        do {
            // Another host's file: nothing of this host's environment belongs into it.
            catalog = try Catalog.parse(text, file: "\(url)/models.ini")
        } catch {
            let line = error.line.map { ":\($0)" } ?? ""
            throw Unavailable(
                "\(url)/models.ini\(line): \(error.problem.printable())",
                fix: "mend it on that host, or see that this is the URL of an llmstack router")
        }
        guard !catalog.sections.isEmpty else {
            throw Unavailable(
                "\(url)/models.ini has no tiers", fix: "see that this is the URL of an llmstack router")
        }
        return catalog
    }
}
