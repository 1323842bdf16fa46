namespace Ard.Samples.Tests;

/// <summary>Takes what is written to the console for as long as it is not disposed of.</summary>
internal sealed class RedirectedConsole : IDisposable
{
    private readonly TextWriter before = Console.Out;
    private readonly StringWriter written = new() { NewLine = "\n" };

    public RedirectedConsole() => Console.SetOut(written);

    /// <summary>What was written since the last time that it was asked for.</summary>
    public string Take()
    {
        var text = written.ToString();
        written.GetStringBuilder().Clear();
        return text;
    }

    public void Dispose() => Console.SetOut(before);
}
