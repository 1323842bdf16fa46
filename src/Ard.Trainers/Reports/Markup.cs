using System.Net;
using System.Runtime.CompilerServices;

namespace Ard.Trainers.Reports;

/// <summary>
/// HTML and SVG as they are written. Every value in an interpolated string is escaped, only <see cref="Markup"/> itself is not: a text
/// from the data cannot become a tag.
/// </summary>
internal sealed class Markup(int capacity = 16)
{
    private readonly StringBuilder text = new(capacity);

    public static Markup Format(ref Handler handler) => handler.Markup;

    /// <summary>Markup that was written by us, as it is.</summary>
    public static Markup Trusted(string markup)
    {
        var trusted = new Markup();
        trusted.text.Append(markup);
        return trusted;
    }

    public static implicit operator Markup(string text) => Format($"{text}");

    public Markup Add(ref Handler handler)
    {
        text.Append(handler.Markup.text);
        return this;
    }

    public Markup Line(ref Handler handler)
    {
        text.Append(handler.Markup.text).Append('\n');
        return this;
    }

    public Markup Each<T>(IEnumerable<T> values, Func<T, Markup> piece)
    {
        foreach (var value in values) text.Append(piece(value).text);
        return this;
    }

    public override string ToString() => text.ToString();

    // Half of a pair, and control characters, are no text in HTML.
    private static string Escape(string value) => WebUtility.HtmlEncode(string.Concat(value.EnumerateRunes().Select(rune =>
        Rune.IsControl(rune) && rune.Value is not ('\n' or '\t') ? "\uFFFD" : rune.ToString())));

    [InterpolatedStringHandler]
    public readonly ref struct Handler(int literalLength, int formattedCount)
    {
        public Markup Markup { get; } = new(literalLength + 8 * formattedCount);

        public void AppendLiteral(string value) => Markup.text.Append(value);
        public void AppendFormatted(Markup? value) => Markup.text.Append(value?.text);

        public void AppendFormatted<T>(T value, string? format = null) => Markup.text.Append(Escape(
            value is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : value?.ToString() ?? ""));
    }
}
