import ArgumentParser
import Cluster
import Foundation
import Node
import Trust
import Wire

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Finds a router for `install` together with its user: shows what there is and asks where there is a choice.
struct RouterChooser {
    typealias Found = (pin: PinnedRouter, catalog: Catalog)

    /// Wrong answers after which the question is given up.
    private static let patience = 3

    let finder: RouterFinder
    let keys: KeyRing
    let entry: KeyedEntry
    private let canAsk: Bool
    let say: @Sendable (String) -> Void

    init(
        environment: [String: String], token: JoinToken? = nil, canAsk: Bool, say: @escaping @Sendable (String) -> Void
    ) {
        keys = KeyRing(configuration: ClusterFiles(environment: environment).configuration, token: token)
        finder = RouterFinder(directory: .system(environment: environment), probe: StackContext.probe, keys: keys)
        self.canAsk = canAsk && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        self.say = say
        entry = KeyedEntry(keys, environment, canAsk: self.canAsk, say: say)
    }

    /// - Throws: ``RouterNotFound``, `ExitCode` when it has been said already, or `RemoteCatalog.Unavailable`.
    func choose(_ wanted: RouterChoice.Wanted) async throws -> Found {
        say("looking for routers on the local network ...")
        var wanted = wanted
        if wanted == .any, let token = keys.token { wanted = .authority(token.pin.text) }
        let findings = await finder.search(for: wanted)
        let choice = RouterChoice(among: findings.candidates, wanted: wanted, isTerminal: canAsk)
        switch choice {
        case .use(let routers, let preferred):
            RouterTable.lines(findings.candidates).forEach(say)
            return try await use(routers, preferred)
        case .ask(let clusters):
            RouterTable.numbered(clusters).forEach(say)
            let cluster = try ask(clusters).first?.cluster
            let those = findings.candidates.filter { $0.cluster == cluster }
            guard case .use(let routers, let preferred) = RouterChoice(among: those, wanted: wanted, isTerminal: false)
            else { throw RouterNotFound(nothingIn: findings) }
            return try await use(routers, preferred)
        case .list, .unusable, .unknown, .nothing:
            let failure =
                RouterNotFound(choice, wanted: wanted, findings: findings) ?? RouterNotFound(nothingIn: findings)
            StandardStream.errors.put("llmstack: \(failure)\n")
            throw ExitCode(failure.exitCode)
        }
    }

    /// The router that the project has, wherever it is.
    func find(_ pin: PinnedRouter) async throws -> Found {
        switch await finder.whereabouts(of: pin) {
        case .asBefore(let router):
            say("asking \(router.name) of the cluster \(pin.cluster.name) (\(pin.url)) what it serves")
            var pin = pin
            pin.router = router
            guard pin.cluster.security == .keys else { return (pin, try await finder.catalog(at: pin.url)) }
            return (pin, try await finder.catalog(at: pin.url, of: pin.cluster.id, router.id))
        case .elsewhere(let routers):
            return try await use(routers, pin.preferred)
        case .away(let failure):
            throw failure
        case .foreign(let router, let cluster):
            throw StackFailure.foreign(router: router, of: cluster, insteadOf: pin)
        case .impostor(let reason):
            throw StackFailure.impostor(reason, insteadOf: pin)
        }
    }

    private func use(_ routers: [RouterCandidate], _ preferred: NodeID?) async throws -> Found {
        if routers.first?.isKeyed == true { try await enter(routers) }
        let found = try await finder.pin(oneOf: routers, preferred: preferred)
        say("using router \(found.pin.router.name) of the cluster \(found.pin.cluster.name): \(found.pin.url)")
        return found
    }

    /// Sees to it that this host has a key for the cluster of these routers.
    private func enter(_ routers: [RouterCandidate]) async throws {
        guard let first = routers.first else { return }
        guard !routers.contains(where: { $0.lock == .keyHeld }) else {
            if keys.token != nil {
                say("this host has a key of \(first.clusterName): the token is not needed")
            }
            return
        }
        let hadKey = routers.contains { $0.lock == .keyRefused }
        if hadKey {
            say("this host's key of \(first.clusterName) was revoked: it takes a new token")
        }
        _ = try await entry.enter(
            try entry.token(for: first.clusterName, hadKey: hadKey),
            at: routers.compactMap { $0.url.flatMap(SecureURL.place) },
            wanted: first.cluster)
    }

    private func ask(_ clusters: [[RouterCandidate]]) throws -> [RouterCandidate] {
        for _ in 0..<Self.patience {
            print("which cluster? [1-\(clusters.count)] ", terminator: "")
            guard let answer = readLine(), answer != "q" else { break }
            if let cluster = RouterChoice.pick(answer, of: clusters) { return cluster }
            print("type a number from 1 to \(clusters.count), or q")
        }
        print("no cluster was chosen, and nothing is changed")
        throw ExitCode(1)
    }
}

extension StackContext {
    /// Brings the project's files up to date when its router was found by name and is elsewhere now.
    func followRouter() async throws {
        let keys = KeyRing(configuration: ClusterFiles(environment: environment).configuration)
        let finder = RouterFinder(directory: .system(environment: environment), probe: probe, keys: keys)
        try await RouterFollowing(work: work, finder: finder, console: console, environment: environment).run()
    }
}
