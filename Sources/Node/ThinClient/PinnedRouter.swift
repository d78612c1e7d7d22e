package import Cluster
import Foundation

/// `.llmstack/router.json`: the router that a project found by name. The channel's marker has its address of the last
/// time; this says whose address that is, so that `start` can find it at another one.
package struct PinnedRouter: Equatable, Sendable, Codable {
    /// Of the file's format; without authority and gateway the first one says all.
    package static let version = 2
    private static let firstVersion = 1
    /// Where cluster listeners listen.
    package static let clusterPort = 10103

    package struct Router: Equatable, Sendable, Codable {
        package var id: NodeID
        package var name: String

        package init(id: NodeID, name: String) {
            self.id = id
            self.name = name
        }
    }

    /// Only a router of this cluster is used.
    package var cluster: ClusterIdentity
    /// Used last.
    package var router: Router
    /// Of the router used last, without a slash at its end.
    package var url: String
    /// The router that was asked for by its name: used whenever it is there.
    package var preferred: NodeID?
    /// The pin of the cluster's authority, as text; nil for an open cluster.
    package var authority: String?
    /// Whether a router of this host's own stands between: opencode talks to that one, on loopback. nil for no.
    package var gateway: Bool?

    package var isGateway: Bool { gateway == true }

    package init(
        cluster: ClusterIdentity, router: Router, url: String, preferred: NodeID? = nil, authority: String? = nil,
        gateway: Bool? = nil
    ) {
        self.cluster = cluster
        self.router = router
        self.url = url
        self.preferred = preferred
        self.authority = authority
        self.gateway = gateway
    }

    /// What the channel's marker of a gateway's project begins with; its port follows.
    package static let gatewayBase = "http://127.0.0.1:"

    /// Whether a project with this URL in its marker is the pin's.
    package func belongs(to url: String) -> Bool { isGateway ? Self.gatewayPort(url) != nil : self.url == url }

    /// - Parameter url: of a gateway's project's marker.
    package static func gatewayPort(_ url: String) -> Int? {
        guard url.hasPrefix(gatewayBase), let port = Int(url.dropFirst(gatewayBase.utf8.count)),
            (1...65535).contains(port)
        else { return nil }
        return port
    }

    /// The file cannot be used.
    package struct Unreadable: Error, Equatable, CustomStringConvertible {
        package let path: String
        /// To be put after the path.
        package let problem: String
        package let fix: String

        package var description: String { "\(path) \(problem)\n  fix: \(fix)" }

        init(_ path: String, _ problem: String, fix: String) {
            self.path = path
            self.problem = problem
            self.fix = fix
        }
    }

    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let file = File(version: authority == nil && !isGateway ? Self.firstVersion : Self.version, pin: self)
        return (try? encoder.encode(file)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? ""
    }

    /// - Throws: ``Unreadable``.
    package static func parse(_ json: String, path: String) throws(Unreadable) -> PinnedRouter {
        struct Header: Decodable {
            var version: Int
        }
        let anew = "run llmstack install --external auto, which writes it anew"
        let data = Data(json.utf8)
        guard let header = try? JSONDecoder().decode(Header.self, from: data) else {
            throw Unreadable(path, "is damaged", fix: anew)
        }
        guard (firstVersion...version).contains(header.version) else {
            throw Unreadable(
                path, "has format \(header.version), and this llmstack reads \(version)",
                fix: "update llmstack, or \(anew)"
            )
        }
        guard let file = try? JSONDecoder().decode(File.self, from: data) else {
            throw Unreadable(path, "is damaged", fix: anew)
        }
        return file.pin
    }

    /// A project's pin. It counts only beside a marker with its URL: a project that was installed otherwise since, or
    /// whose install broke off, has none.
    ///
    /// - Throws: ``Unreadable``.
    package static func read(_ work: WorkDirectory) throws(Unreadable) -> PinnedRouter? {
        guard case .external(let url)? = work.pinnedChannel,
            FileManager.default.fileExists(atPath: work.routerJSON)
        else { return nil }
        guard let text = try? String(contentsOfFile: work.routerJSON, encoding: .utf8) else {
            throw Unreadable(
                work.routerJSON, "cannot be read", fix: "check its permissions, or remove it and install again")
        }
        let pin = try parse(text, path: work.routerJSON)
        return pin.belongs(to: url) ? pin : nil
    }

    private struct File: Codable {
        var version: Int
        var pin: PinnedRouter

        private enum Key: String, CodingKey { case version }

        init(version: Int, pin: PinnedRouter) {
            self.version = version
            self.pin = pin
        }

        init(from decoder: any Decoder) throws {
            version = try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .version)
            pin = try PinnedRouter(from: decoder)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(version, forKey: .version)
            try pin.encode(to: encoder)
        }
    }
}

extension WorkDirectory {
    package var routerJSON: String { "\(state)/router.json" }
}
