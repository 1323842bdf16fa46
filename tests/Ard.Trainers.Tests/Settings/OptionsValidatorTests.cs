using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Ard.Trainers.Tests.Settings;

public sealed class OptionsValidatorTests
{
    [Fact]
    public void Every_number_of_every_record_of_options_says_what_it_may_be()
    {
        var records = typeof(Attack).Assembly.GetExportedTypes()
            .Where(type => type.GetMethod("<Clone>$") is not null)
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) || Numbers(type).Any(HasRange)).ToArray();
        Assert.True(records.Length > 25, $"{records.Length} records of options");
        var open = records.SelectMany(Numbers).Where(number => !HasRange(number));
        Assert.Empty(open.Select(number => $"{number.DeclaringType!.Name}.{number.Name}"));

        static bool HasRange(PropertyInfo number) => number.GetCustomAttribute<RangeAttribute>() is not null;

        // A seed may be any number.
        static IEnumerable<PropertyInfo> Numbers(Type type) => type.GetProperties().Where(property => property.CanWrite
            && (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) is var number
            && (number == typeof(int) || number == typeof(double)));
    }
}
