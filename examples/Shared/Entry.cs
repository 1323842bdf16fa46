using System.CommandLine;
using System.Runtime.InteropServices;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Training;
using TorchSharp;

namespace Ard.Examples;

/// <summary>What every example program does around its command: Ctrl+C, and one line for what is wrong.</summary>
internal static class Entry
{
    /// <summary>Runs the command; the exit code: 0, 1 diverged, 2 bad arguments or files, 3 not robust enough, 130 cancelled.</summary>
    public static int Run(string[] arguments, Func<CancellationToken, RootCommand> build)
    {
        // Ctrl+C and what a scheduler sends end the training at the next step, with its checkpoint written where there is one.
        using var cancellation = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);

        try
        {
            // Of processes that mpirun has started the first one speaks.
            if (ProcessGroup.Current.Rank != 0) Console.SetOut(TextWriter.Null);
            var command = build(cancellation.Token).Parse(arguments);
            if (command.Errors.Count == 0) return command.Invoke(new() { EnableDefaultExceptionHandler = false });
            return Refuse(string.Join(" ", command.Errors.Select(error => error.Message)));
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(
                "Cancelled. The same command goes on where it stopped: distill with --resume, evaluate where it had --state.");
            return 130;
        }
        catch (Exception exception) when (exception is TrainingDivergedException or RobustnessException)
        {
            Console.Error.WriteLine(exception.Message);
            return exception is RobustnessException ? 3 : 1;
        }
        // What the arguments name is not there, or not what it should be.
        catch (Exception exception) when (exception is ArgumentException or FormatException or IOException or UnauthorizedAccessException
            or InvalidOperationException { Source: "Ard.Trainers" or "Ard.MLNet" })
        {
            return Refuse(exception is ArgumentException { ParamName: { } parameter }
                ? exception.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal)
                : exception.Message);
        }

        void Cancel(PosixSignalContext signal)
        {
            signal.Cancel = true;
            cancellation.Cancel();
        }
    }

    /// <summary>Sets the threads of one operation on the CPU. Default what OMP_NUM_THREADS says, else all processors.</summary>
    public static void UseThreads(int? threads) => torch.set_num_threads(threads
        ?? (int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var said)
            ? said
            : Math.Max(1, Environment.ProcessorCount / ProcessGroup.Current.LocalSize)));

    private static int Refuse(string message)
    {
        Console.Error.WriteLine(message.ReplaceLineEndings(" "));
        return 2;
    }
}
