import Node

/// In place of Swift's own, which holds back what it prints and does not tell when that is lost.
func print(_ text: String, terminator: String = "\n") {
    StandardStream.output.put(text + terminator)
}
