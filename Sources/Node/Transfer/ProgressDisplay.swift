import Foundation
import Synchronization

/// Shows one transfer's progress on standard output, from whatever thread it comes.
package final class ProgressDisplay: Sendable {
    private let progress: Mutex<TransferProgress>
    private let console: any Console
    private let now: @Sendable () -> Double

    package init(_ name: String, console: any Console) {
        let start = ContinuousClock.now
        now = { (ContinuousClock.now - start) / .seconds(1) }
        progress = Mutex(TransferProgress(name))
        self.console = console
    }

    package func show(_ count: Int64, of total: Int64?) {
        let columns = console.terminal.map { $0.columns - 1 }
        let line = progress.withLock { $0.line(count: count, total: total, columns: columns, at: now()) }
        if let line { console.progress([line]) }
    }
}
