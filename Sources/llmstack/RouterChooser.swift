import ArgumentParser
import Cluster
import Foundation
import Node

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

    private let finder: RouterFinder
    private let canAsk: Bool
    private let say: @Sendable (String) -> Void

    init(environment: [String: String], canAsk: Bool, say: @escaping @Sendable (String) -> Void) {
        finder = RouterFinder(directory: .system(environment: environment), probe: StackContext.probe)
        self.canAsk = canAsk && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        self.say = say
    }

    /// - Throws: ``RouterNotFound``, `ExitCode` when it has been said already, or `RemoteCatalog.Unavailable`.
    func choose(_ wanted: RouterChoice.Wanted) async throws -> Found {
        say("looking for routers on the local network ...")
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
            FileHandle.standardError.write(Data("llmstack: \(failure)\n".utf8))
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
            return (pin, try await finder.catalog(at: pin.url))
        case .elsewhere(let routers):
            return try await use(routers, pin.preferred)
        case .away(let failure):
            throw failure
        case .foreign(let router, let cluster):
            throw StackFailure.foreign(router: router, of: cluster, insteadOf: pin)
        }
    }

    private func use(_ routers: [RouterCandidate], _ preferred: NodeID?) async throws -> Found {
        let found = try await finder.pin(oneOf: routers, preferred: preferred)
        say("using router \(found.pin.router.name) of the cluster \(found.pin.cluster.name): \(found.pin.url)")
        return found
    }

    private func ask(_ clusters: [[RouterCandidate]]) throws -> [RouterCandidate] {
        for _ in 0..<Self.patience {
            FileHandle.standardOutput.write(Data("which cluster? [1-\(clusters.count)] ".utf8))
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
        let finder = RouterFinder(directory: .system(environment: environment), probe: probe)
        try await RouterFollowing(work: work, finder: finder, console: console, environment: environment).run()
    }
}
