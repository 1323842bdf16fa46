using System.Reflection;
using System.Reflection.Emit;

namespace Ard.Trainers.Tests.Fixtures;

/// <summary>What the compiled methods of an assembly name.</summary>
internal static class CompiledCode
{
    public const BindingFlags AllMembers =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields().Select(field => field.GetValue(null))
        .OfType<OpCode>().ToDictionary(code => code.Value);

    public static IEnumerable<MethodBase> Methods(Assembly assembly) => assembly.GetTypes().SelectMany(Methods);

    public static IEnumerable<MethodBase> Methods(Type type) =>
        type.GetMethods(AllMembers).Concat<MethodBase>(type.GetConstructors(AllMembers));

    /// <summary>The methods that a method's instructions name, as they are defined: generic ones without their types.</summary>
    public static IEnumerable<MethodBase> Calls(MethodBase method) =>
        // What .NET makes for arrays of several dimensions has no definition.
        Members(method).OfType<MethodBase>().Select(called =>
            called.DeclaringType is { IsArray: true } ? called : called.Module.ResolveMethod(called.MetadataToken)!);

    /// <summary>The types, fields and methods that a method's instructions name.</summary>
    public static IEnumerable<MemberInfo> Members(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code) yield break;
        var ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE) value = unchecked((short)(0xFE00 | code[at++]));
            var operand = OpCodesByValue[value].OperandType;
            if (operand is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
                yield return method.Module.ResolveMember(BitConverter.ToInt32(code, at), ofType, ofMethod)!;
            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }
}
