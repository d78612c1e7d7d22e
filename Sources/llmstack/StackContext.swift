import Cluster
import Foundation
import Node
import Wire

/// What the verbs that deal with the daemons share: the project of this process and the world around it.
struct StackContext {
    let work = WorkDirectory.current()
    let environment = ProcessInfo.processInfo.environment
    let table = SystemProcessTable()
    let console = StandardConsole()
    static let probe = Probe { try await HTTPProbe.get($0, timeout: $1) }
    let probe = Self.probe
    let blueprint: Blueprint

    init() { blueprint = Blueprint(environment: environment) }

    /// - Throws: ``StackFailure`` where the system does not say which program this is.
    func starter() throws(StackFailure) -> StackStarter {
        guard let llmstack = CurrentExecutable.path() else {
            throw StackFailure("cannot find out where this program lies", advice: "fix: run it by its full path")
        }
        return StackStarter(
            work: work, blueprint: blueprint, table: table, probe: probe, console: console, environment: environment,
            llmstack: llmstack)
    }

    var stopper: StackStopper {
        // A models.ini with a fault must not keep anybody from stopping.
        let port = (try? blueprint.catalog(work))?.defaults.routerPort
        return StackStopper(
            work: work, endpoints: Endpoints(environment: environment, routerPort: port), table: table, console: console
        )
    }

    var inspector: StackInspector {
        StackInspector(work: work, blueprint: blueprint, table: table, probe: probe, environment: environment)
    }
}
