using Ard.Gpu.Tests;
using Xunit.Abstractions;
using Xunit.Sdk;

// Some tests count the tensors that there are.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

// Runs every test of this assembly and prints a line for each.
var sink = new PrintingSink();
using var framework = new XunitTestFramework(new NullMessageSink());
using var executor = framework.GetExecutor(typeof(TestDevice).Assembly.GetName());
executor.RunAll(sink, new NoOptions(), new NoOptions());
sink.Done.Wait();
return sink.Failed == 0 ? 0 : 1;

/// <summary>What xunit says, as lines.</summary>
internal sealed class PrintingSink : LongLivedMarshalByRefObject, IMessageSink
{
    public ManualResetEventSlim Done { get; } = new();

    public int Failed { get; private set; }

    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestPassed test:
                Console.WriteLine($"passed   {test.Test.DisplayName} ({test.ExecutionTime:F1} s)");
                break;
            case ITestSkipped test:
                Console.WriteLine($"skipped  {test.Test.DisplayName}: {test.Reason}");
                break;
            case ITestFailed test:
                Failed++;
                Console.WriteLine(
                    $"FAILED   {test.Test.DisplayName}: {string.Join("; ", test.Messages)}\n{string.Join("\n", test.StackTraces)}");
                break;
            case ITestAssemblyFinished all:
                Console.WriteLine(
                    $"{all.TestsRun - all.TestsFailed - all.TestsSkipped} passed, {all.TestsFailed} failed, {all.TestsSkipped} skipped");
                Done.Set();
                break;
        }
        return true;
    }
}

/// <summary>Every option has its default.</summary>
internal sealed class NoOptions : ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
{
    public TValue GetValue<TValue>(string name) => default!;

    public void SetValue<TValue>(string name, TValue value)
    {
    }
}
