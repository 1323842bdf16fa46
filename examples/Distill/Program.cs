using Ard.Examples.Distill;
using Ard.Trainers.Training;

// A key press of Ctrl+C ends the training at the next step, with its checkpoint written.
using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    cancellation.Cancel();
};

try
{
    var command = CommandLine.Build(cancellation.Token).Parse(CommandLine.WithVerb(args));
    if (command.Errors.Count == 0) return command.Invoke(new() { EnableDefaultExceptionHandler = false });
    return Refuse(string.Join(" ", command.Errors.Select(error => error.Message)));
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Cancelled. The same command with --resume goes on where it stopped, if it was distill.");
    return 130;
}
catch (TrainingDivergedException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
// What the arguments name is not there, or not what it should be.
catch (Exception exception) when (exception is ArgumentException or FormatException or IOException or UnauthorizedAccessException)
{
    return Refuse(exception.Message);
}

static int Refuse(string message)
{
    Console.Error.WriteLine(message.ReplaceLineEndings(" "));
    return 2;
}
