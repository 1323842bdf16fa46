namespace Ard.Samples.Tests.Notebooks;

/// <summary>What .NET Interactive offers to the code of a notebook to show something.</summary>
public static class DisplayExtensions
{
    /// <summary>Where it goes.</summary>
    internal static Action<Output>? Shown { get; set; }

    /// <summary>Shows a text of a type, such as <c>image/svg+xml</c>.</summary>
    public static void DisplayAs(this string value, string mimeType) => Shown!(new Output(mimeType, value));
}
